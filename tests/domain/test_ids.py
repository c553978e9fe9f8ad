"""The forms in which ids travel."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.domain.ids import parse_generation_id, video_id

_ID = "3f2b8c1e-0d4a-4f6b-9a57-2c1d0e9f8a7b"


def test_every_form_is_the_same_id() -> None:
    id_ = uuid4()
    for form in (str(id_), id_.hex, video_id(id_), f"video_{id_}", str(id_).upper()):
        assert parse_generation_id(form) == id_


@pytest.mark.parametrize(
    "text", ["", "video_", "x", f"{_ID} ", f"urn:uuid:{_ID}", f"{{{_ID}}}", f"{_ID}"[:-1],
             f"vid_{_ID}", f"{_ID}\n"],
)  # fmt: skip
def test_nothing_else_is_one(text: str) -> None:
    assert parse_generation_id(text) is None
