"""What holds for any request at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from app.dialects.openai import wire
from app.dialects.openai.sizes import frames
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import frame_size
from app.errors import GatewayError
from tests.native.test_properties import ANY_TEXT, JSON, PROMPTS
from tests.openai.generations import generation
from tests.openai.test_golden import ALIASES

NAMES = st.sampled_from([*wire.FIELDS, *wire.NOT_OFFERED]) | ANY_TEXT
WORDS = st.sampled_from(
    ["sora-2", "ray-v3", "4", "5", "8", "10s", "12", "720x1280", "1024x1792", "16:9", "720p",
     "540p", "true", "false", "https://a.example/"]
)  # fmt: skip
PIXELS = st.integers(1, 99_999)


@given(st.dictionaries(NAMES, JSON | WORDS, max_size=8), PROMPTS, st.booleans())
@example({"seconds": float("inf")}, "p", False)
@example({"seconds": 10**5000}, "p", False)
@example({"seconds": "٥"}, "p", False)
@example({"size": "１２８０x７２０"}, "p", False)
@example({"\ud800": "\udfff\x00"}, "p", True)
def test_any_fields_are_a_request_or_a_refusal_that_can_be_sent(
    fields: dict[str, Any], prompt: str, strict: bool
) -> None:
    try:
        asked = wire.parse({"prompt": prompt, **fields}, aliases=ALIASES, strict=strict)
    except GatewayError as error:
        status, body = wire.render_error(error, "request-1")
        assert status == 400
        assert {"message", "type", "param", "code"} <= body["error"].keys()
        # As an answer is written: without half surrogates, NaN or infinity.
        text = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
        assert len(text) < 40_000
    else:
        header = ", ".join(asked.adjusted)
        assert header.isascii()
        assert header.isprintable()
        assert not (strict and header)
        if "input_reference" in fields:
            return  # Its answer does not say the image.
        video = wire.render(generation(spec=asked.spec, echo=asked.echo), percent=0)
        json.dumps(video, ensure_ascii=False, allow_nan=False).encode("utf-8")
        again = {name: video[name] for name in ("prompt", "model", "seconds", "size")}
        kept = wire.parse(
            again | ({} if asked.spec.facts.loop is None else {"loop": asked.spec.facts.loop}),
            aliases=ALIASES, strict=True,
        )  # fmt: skip
        assert kept.spec == asked.spec
        assert not kept.adjusted


@given(PIXELS, PIXELS, st.integers(1, 9_999))
def test_what_is_made_is_said_and_never_shorter(width: int, height: int, seconds: int) -> None:
    fields = {"prompt": "p", "size": f"{width}x{height}", "seconds": seconds}
    try:
        asked = wire.parse(fields, aliases=ALIASES, strict=False)
    except GatewayError:
        return
    offered, made = BUILT_IN.models[asked.spec.model].offered, asked.spec.facts.seconds
    assert made is not None
    assert made >= seconds
    assert (f"seconds={seconds}->{made}" in asked.adjusted) == (seconds not in offered.seconds)
    assert any(word.startswith("size=") for word in asked.adjusted) == (
        (width, height) not in {frame_size(*frame) for frame in frames(offered)}
    )


@given(st.lists(st.tuples(st.text("ab[]=x", max_size=12) | NAMES, ANY_TEXT), max_size=12))
def test_any_form_has_fields(parts: list[tuple[str, str]]) -> None:
    fields = wire.unnest(parts)
    heads = {name for name, _ in parts} | {name.partition("[")[0] for name, _ in parts}
    assert set(fields) <= heads
    assert bool(fields) == bool(parts)
    assert wire.unnest([(name, "v") for name in ("x", "y")]) == {"x": "v", "y": "v"}
