"""What holds for any request at all to either API of Luma."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.catalog.spec import Spec
from app.errors import GatewayError
from tests.luma.test_golden import ALIASES, WIRES, generation_of
from tests.native.test_properties import JSON, SPECS

LEGAL: dict[str, dict[str, Any]] = {
    "dream_machine": {"model": "ray-2", "prompt": "a lion", "duration": "5s", "loop": False},
    "agents": {"type": "video", "prompt": "a lion", "video": {"duration": "5s", "loop": False}},
}
NAMES = st.sampled_from(
    ["model", "prompt", "type", "generation_type", "video", "aspect_ratio", "resolution",
     "duration", "loop", "callback_url", "keyframes", "concepts", "user_id", "source", "hdr"]
) | st.text(max_size=20)  # fmt: skip
WORDS = st.sampled_from(
    ["ray-2", "ray-3.2", "5s", "9s", "10s", 5, 9, "5.0", "540p", "720p", "1080p", "4k", "16:9",
     "2:1", "video", "9." + "0" * 5000, "٥s", "5s\n", True]
)  # fmt: skip

each = pytest.mark.parametrize("dialect", WIRES)


@each
@given(st.dictionaries(NAMES, JSON | WORDS, max_size=8))
@example({"\ud800": "\udfff\x00"})
@example({"prompt": "\x00", "model": "\ud800", "duration": -(10**4000), "loop": float("nan")})
def test_any_json_object_is_a_request_or_a_refusal_that_can_be_sent(
    dialect: str, document: dict[str, Any]
) -> None:
    _is_taken_or_refused(WIRES[dialect], document)


@each
@given(st.data())
@settings(max_examples=200)
def test_a_legal_request_with_one_thing_changed_is_a_request_or_a_refusal(
    dialect: str, data: st.DataObject
) -> None:
    document = json.loads(json.dumps(LEGAL[dialect]))
    changed = document
    if "video" in document and data.draw(st.booleans()):
        changed = document["video"]
    changed[data.draw(NAMES)] = data.draw(JSON | WORDS)
    _is_taken_or_refused(WIRES[dialect], document)


@given(SPECS)
def test_what_is_echoed_can_be_asked_for_again_and_gives_the_same(spec: Spec) -> None:
    asked = {**spec.to_json(), "generation_type": "video"}
    dream_machine = WIRES["dream_machine"]
    first = dream_machine.parse(asked, aliases=ALIASES, strict=True)
    assert first.spec == spec
    echoed = dream_machine.render(generation_of(first, "queued"), None, {})["request"]
    again = dream_machine.parse(echoed, aliases=ALIASES, strict=True)
    assert (again.spec, again.adjusted) == (spec, ())


def _is_taken_or_refused(wire: ModuleType, document: dict[str, Any]) -> None:
    try:
        asked = wire.parse(document, aliases=ALIASES, strict=False)
    except GatewayError as error:
        status, rendered = wire.render_error(error, "request-1")
        assert status == 400
        # As an answer is written: without half surrogates, NaN or infinity.
        text = json.dumps(rendered, ensure_ascii=False, allow_nan=False).encode("utf-8")
        assert rendered["errors"]
        assert len(text) < 30_000
    else:
        assert asked.spec.facts.prompt == document["prompt"]
        assert asked.model_name in ALIASES.names
        # As a header is written.
        said = ", ".join(asked.adjusted).encode("ascii")
        assert len(said) < 200
        assert b"\n" not in said
        if wire is WIRES["agents"]:
            assert not (asked.spec.facts.loop and asked.spec.facts.seconds == 10)
        json.dumps(wire.render(generation_of(asked, "queued"), None, {}), allow_nan=False).encode()
