"""Bodies nobody should send, over HTTP: each is refused in our shape, none is a fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.http import bodies
from tests.harness.gateway import Gateway, body
from tests.harness.traces import traces

BODY = "REQUEST_BODY_VALIDATION_FAILED"
_REST = '"model": "luma", "promptObject": {}}'
HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, BODY),
    "white space": (b" \n", 400, BODY),
    "half": (b'{"type": "TEXT_TO', 400, BODY),
    "two documents": (b"{}{}", 400, BODY),
    "an array": (b"[{}]", 400, BODY),
    "a number": (b"1", 400, BODY),
    "null": (b"null", 400, BODY),
    "NaN": (b'{"type": NaN, ' + _REST.encode(), 400, BODY),
    "Infinity": (b'{"async": -Infinity}', 400, BODY),
    "a float out of range": (b'{"type": 1e999, ' + _REST.encode(), 400, BODY),
    "an int of 4,000 digits": (b'{"type": ' + b"9" * 4000 + b", " + _REST.encode(), 400, BODY),
    "an int of 5,000 digits": (b'{"type": ' + b"9" * 5000 + b", " + _REST.encode(), 400, BODY),
    "not UTF-8": (b'{"type": "\xff\xfe"}', 400, BODY),
    "Latin-1": ('{"type": "caf\xe9"}'.encode("latin-1"), 400, BODY),
    "100,000 arrays in each other": (b"[" * 100_000, 400, BODY),
    "100,000 objects in each other": (b'{"a":' * 100_000, 400, BODY),
    "deep and whole": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, BODY),
    "a form": (b"type=TEXT_TO_VIDEO&model=luma", 400, BODY),
    "a NUL byte": (b'{"type": "\x00"}', 400, BODY),
    "half a surrogate pair as a name": (b'{"\\ud800": 1, "type": "\\udfff", ' + _REST.encode(),
                                        400, "UNSUPPORTED_MODEL"),
    "a NUL in the prompt": (json.dumps(body("a\x00b")).encode(), 422,
                            "PROMPT_OBJECT_VALIDATION_FAILED"),
    "half a surrogate pair in the prompt": (json.dumps(body("a\udc00b")).encode(), 422,
                                            "PROMPT_OBJECT_VALIDATION_FAILED"),
}  # fmt: skip


async def test_a_hostile_body_is_refused_and_leaves_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for name, (content, status, code) in HOSTILE.items():
        answer = await still_gate.http.post(
            "/api/features",
            content=content,
            headers={"API-KEY": key, "Content-Type": "application/json"},
        )
        assert answer.status_code == status, (name, answer.text)
        refusal = answer.json()
        assert refusal["errorCode"] == code, name
        assert (refusal["billed"], refusal["retry_safe"]) == (False, True)
        assert len(answer.content) < 5_000, name
    assert await traces(still_gate) == before


async def test_a_body_in_another_unicode_encoding_is_read(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for encoding in ("utf-8-sig", "utf-16", "utf-32-le"):
        answer = await still_gate.http.post(
            "/api/features",
            content=json.dumps({**body("Ω"), "async": True}, ensure_ascii=False).encode(encoding),
            headers={"API-KEY": key},
        )
        assert answer.status_code == 200, (encoding, answer.text)
        assert answer.json()["aiRecord"]["aiRecordDetail"]["promptObject"]["prompt"] == "Ω"


async def test_ten_thousand_wrong_fields_get_an_answer_of_bounded_size(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    many: dict[str, Any] = {f"field{number}": 1 for number in range(10_000)}
    for wrong in (
        {**body(), **many},
        body(**many),
    ):
        answer = await still_gate.http.post("/api/features", json=wrong, headers={"API-KEY": key})
        assert answer.status_code in (400, 422)
        assert "field0: unknown field" in answer.json()["message"]
        assert "(and at least 49 more, see details)" in answer.json()["message"]
        assert len(answer.json()["details"]) == 50
        assert len(answer.content) < 20_000


async def test_a_body_above_the_limit_is_413_whether_it_says_its_length_or_not(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 1024)
    key = await still_gate.member()
    before = await traces(still_gate)
    large = json.dumps(body("x" * 2000)).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 100):
            yield large[start : start + 100]

    for content in (large, in_pieces()):
        answer = await still_gate.http.post(
            "/api/features", content=content, headers={"API-KEY": key}
        )
        assert answer.status_code == 413
        assert answer.json()["errorCode"] == "PAYLOAD_TOO_LARGE"
        assert "1024 bytes" in answer.json()["message"]
        assert answer.json()["billed"] is False
    assert await traces(still_gate) == before
    fitting = await still_gate.create(key)
    assert fitting.status_code == 202
