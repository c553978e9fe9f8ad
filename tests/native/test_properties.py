"""What holds for any request at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.dialects.onemin import wire
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Spec
from app.domain.text import MAX_PROMPT_CHARS
from app.errors import GatewayError
from app.upstream.wire import request_body
from tests.harness.gateway import body
from tests.harness.specs import DURATIONS, MODELS, RATIOS, RESOLUTIONS, luma
from tests.native.illegal import cases
from tests.native.legal import OPTIONS

PROMPTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    min_size=1,
    max_size=MAX_PROMPT_CHARS,
).filter(str.strip)
SPECS = st.builds(
    luma,
    prompt=PROMPTS,
    model=st.sampled_from(MODELS),
    duration=st.sampled_from(DURATIONS),
    aspect_ratio=st.none() | st.sampled_from(RATIOS),
    resolution=st.none() | st.sampled_from(RESOLUTIONS),
    loop=st.none() | st.booleans(),
)
#: What `json.loads` can return, and then some: it takes half a surrogate pair, and 1e999.
ANY_TEXT = st.text(st.characters(), max_size=100)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
LEGAL_WORDS = st.sampled_from(
    ["TEXT_TO_VIDEO", "luma", *(v for values in OPTIONS.values() for v in values if v is not None)]
)
NAMES = (
    st.sampled_from(["type", "model", "promptObject", "async", "user", "prompt", *OPTIONS])
    | ANY_TEXT
)
JSON = st.recursive(
    LEAVES | LEGAL_WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)


@given(SPECS, st.booleans())
def test_what_goes_upstream_reads_back_as_the_same_spec(spec: Spec, run_async: bool) -> None:
    sent = json.loads(
        json.dumps(request_body(BUILT_IN.models[spec.model], spec, run_async=run_async))
    )
    assert wire.parse(sent, BUILT_IN) == wire.FeatureRequest(spec, run_async, None, {})


@given(SPECS)
def test_a_spec_survives_being_stored(spec: Spec) -> None:
    stored = json.loads(json.dumps(spec.to_json(), ensure_ascii=False))
    assert Spec.from_json(stored) == spec
    assert None not in stored.values()


@given(st.dictionaries(NAMES, JSON, max_size=8))
@example({})
@example(cases()[0].sent)
@example({**body(), "\ud800": "\udfff\x00"})
@example({**body(), "async": float("nan")})
@example({**body(), "promptObject": {"\x00": [[[]]]}})
@example(body(duration=float("inf"), loop=-(10**4000)))
def test_any_json_object_is_a_request_or_a_refusal_that_can_be_sent(
    document: dict[str, Any],
) -> None:
    _is_taken_or_refused(document)


@given(st.data())
@settings(max_examples=200)
def test_a_legal_request_with_one_thing_changed_is_a_request_or_a_refusal(
    data: st.DataObject,
) -> None:
    document = body()
    inside = data.draw(st.booleans())
    changed = document["promptObject"] if inside else document
    changed[data.draw(NAMES)] = data.draw(JSON)
    _is_taken_or_refused(document)


def _is_taken_or_refused(document: dict[str, Any]) -> None:
    try:
        asked = wire.parse(document, BUILT_IN)
    except GatewayError as error:
        status, rendered = wire.render_error(error, "request-1")
        assert status in (400, 422)
        # As an answer is written: without half surrogates, NaN or infinity.
        text = json.dumps(rendered, ensure_ascii=False, allow_nan=False).encode("utf-8")
        assert rendered["details"]
        assert len(text) < 20_000
    else:
        stored = json.dumps(asked.spec.to_json(), ensure_ascii=False).encode("utf-8")
        assert b"\x00" not in stored
        assert "\\u0000" not in stored.decode()
        assert asked.spec.facts.prompt == document["promptObject"]["prompt"]
