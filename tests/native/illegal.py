"""Everything that may not be asked for, one wrong thing at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.harness.gateway import body
from tests.native.legal import OPTIONS

PROMPT = "PROMPT_OBJECT_VALIDATION_FAILED"
BODY = "REQUEST_BODY_VALIDATION_FAILED"
MISSING = "MISSING_REQUIRED_FIELDS"
UNSUPPORTED = "UNSUPPORTED_MODEL"

_FIELDS = ["type", "model", "promptObject", "async", "user", "metadata"]
_OPTIONS = ["prompt", *OPTIONS]
_ABSENT = object()
#: What an error may echo of each wrong value.
_WRONG_KINDS: tuple[tuple[Any, Any], ...] = (
    (None, None),
    (7, 7),
    (5.5, 5.5),
    ([], "(list)"),
    (["5s"], "(list)"),
    ({}, "(dict)"),
)
_NEAR_MISSES = {
    "modelName": ("ray-2", "Ray-v3", "ray-v3 ", "luma", "sora-2", ""),
    "duration": ("5", "5S", " 5s", "9s", "15s", "0s", "-5s", ""),
    "aspectRatio": ("16x9", "16/9", "16:10", "2.35:1", "9:16 ", ""),
    "resolution": ("540p", "720", "720P", "4k", "1280x720", ""),
}


@dataclass(frozen=True, slots=True)
class Illegal:
    """A request with one thing wrong. `echo` is the value the error names, `_ABSENT`: none."""

    sent: Any
    status: int
    code: str
    field: str
    why: str
    allowed: list[Any] | None
    echo: Any = _ABSENT

    @property
    def name(self) -> str:
        return f"{self.field} {self.why} {json.dumps(self.echo, default=lambda _: '-')}"

    @property
    def details(self) -> dict[str, Any]:
        """The entry of `details`, but for its message."""
        entry: dict[str, Any] = {"field": self.field, "code": self.why}
        if self.echo is not _ABSENT:
            entry["value"] = self.echo
        if self.allowed is not None:
            entry["allowed"] = self.allowed
        return entry


def cases() -> list[Illegal]:
    return [*_top_level(), *_options(), *_prompts()]


def _with(**changes: Any) -> dict[str, Any]:
    changed = {**body(), **changes}
    return {name: value for name, value in changed.items() if value is not _ABSENT}


def _in_prompt(**changes: Any) -> dict[str, Any]:
    changed = {**body()["promptObject"], **changes}
    return _with(
        promptObject={name: value for name, value in changed.items() if value is not _ABSENT}
    )


def _top_level() -> list[Illegal]:
    found = []
    for field, allowed in (
        ("type", ["IMAGE_TO_VIDEO", "TEXT_TO_VIDEO"]),
        ("model", ["Qubico/skyreels", "hailuo", "kling", "luma", "pika"]),
    ):
        found.append(Illegal(_with(**{field: _ABSENT}), 400, MISSING, field, "missing", allowed))
        found += [
            Illegal(_with(**{field: wrong}), 400, BODY, field, "type", allowed, echo)
            for wrong, echo in (*_WRONG_KINDS, (True, True))
        ]
        found += [
            Illegal(_with(**{field: wrong}), 400, UNSUPPORTED, field, "value", allowed, wrong)
            for wrong in ("", "VIDEO_TO_VIDEO", "text_to_video", "runway", "Luma", "luma ")
        ]
    found.append(
        Illegal(_with(promptObject=_ABSENT), 400, MISSING, "promptObject", "missing", None)
    )
    found += [
        Illegal(_with(promptObject=wrong), 422, PROMPT, "promptObject", "type", None, echo)
        for wrong, echo in ((None, None), ("a lion", "a lion"), ([], "(list)"), (True, True))
    ]
    found += [
        Illegal(_with(**{"async": wrong}), 400, BODY, "async", "type", [True, False], echo)
        for wrong, echo in (*_WRONG_KINDS, ("true", "true"), (1, 1))
    ]
    found += [
        Illegal(_with(**{name: value}), 400, BODY, name, "unknown", _FIELDS, echo)
        for name, value, echo in (
            ("conversationId", "c", "c"),
            ("prompt", "a lion", "a lion"),
            ("Type", {}, "(dict)"),
            ("promptObjects", 1, 1),
        )
    ]
    return found


def _options() -> list[Illegal]:
    found = []
    for field, choices in OPTIONS.items():
        allowed = [choice for choice in choices if choice is not None]
        path = f"promptObject.{field}"
        why = "type" if field == "loop" else "value"
        wrong_kinds = (*_WRONG_KINDS, ("true", "true")) if field == "loop" else _WRONG_KINDS
        wrong_kinds += ((0, 0),) if field == "loop" else ((True, True),)
        found += [
            Illegal(_in_prompt(**{field: wrong}), 422, PROMPT, path, why, allowed, echo)
            for wrong, echo in wrong_kinds
        ]
        found += [
            Illegal(_in_prompt(**{field: wrong}), 422, PROMPT, path, "value", allowed, wrong)
            for wrong in _NEAR_MISSES.get(field, ())
        ]
        if None not in choices:
            found.append(
                Illegal(_in_prompt(**{field: _ABSENT}), 400, MISSING, path, "missing", allowed)
            )
    found += [
        Illegal(
            _in_prompt(**{name: 1}), 422, PROMPT, f"promptObject.{name}", "unknown", _OPTIONS, 1
        )
        for name in ("negativePrompt", "aspect_ratio", "Loop", "imageUrl", "n")
    ]
    return found


def _prompts() -> list[Illegal]:
    path, long = "promptObject.prompt", "x" * 32_001
    missing = Illegal(_in_prompt(prompt=_ABSENT), 400, MISSING, path, "missing", None)
    kinds = [
        Illegal(_in_prompt(prompt=wrong), 422, PROMPT, path, "type", None, echo)
        for wrong, echo in (*_WRONG_KINDS, (False, False))
    ]
    values = [
        Illegal(_in_prompt(prompt=wrong), 422, PROMPT, path, "value", None, echo)
        for wrong, echo in (
            ("", ""),
            (" \n\t\u3000", " \n\t\u3000"),
            (long, "x" * 77 + "..."),
            ("a\x00b", "a\\u0000b"),
            ("a\ud800b", "a?b"),
        )
    ]
    return [missing, *kinds, *values]
