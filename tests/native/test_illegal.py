"""Each single wrong thing is refused by name, and nothing is charged for it."""

from __future__ import annotations

import json

import pytest

from app.dialects.onemin import wire
from app.domain.catalog.catalog import BUILT_IN
from app.errors import InvalidRequest
from tests.harness.gateway import Gateway, body
from tests.harness.traces import traces
from tests.native.illegal import Illegal, cases

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_field_is_named_with_its_value_and_what_would_be_right(case: Illegal) -> None:
    with pytest.raises(InvalidRequest) as raised:
        wire.parse(case.sent, BUILT_IN)
    status, rendered = wire.render_error(raised.value, "request-1")
    assert (status, rendered["errorCode"]) == (case.status, case.code)
    [detail] = rendered["details"]
    message = detail.pop("message")
    assert detail == case.details
    assert rendered["message"].startswith(f"{case.field}: {message}")
    if case.why in ("value", "unknown"):
        assert all(str(choice) in message for choice in case.allowed or ())
    assert rendered["billed"] is False
    assert rendered["retry_safe"] is True
    assert rendered["requestId"] == "request-1"


async def test_no_wrong_request_leaves_anything_behind(still_gate: Gateway) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for case in CASES:
        answer = await still_gate.http.post(
            "/api/features",
            content=json.dumps(case.sent),
            headers={"API-KEY": key, "Idempotency-Key": "used-by-nothing"},
        )
        assert answer.status_code == case.status, case.name
        assert answer.json()["errorCode"] == case.code
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
    assert await traces(still_gate) == before
    taken = await still_gate.create(key, idempotency_key="used-by-nothing")
    assert taken.status_code == 202


def test_several_wrong_fields_are_all_named_in_one_answer() -> None:
    wrong = {**body(loop="yes", resolution="8k", n=2), "x": 1}
    del wrong["promptObject"]["duration"]
    with pytest.raises(InvalidRequest) as raised:
        wire.parse(wrong, BUILT_IN)
    status, rendered = wire.render_error(raised.value, "r")
    assert (status, rendered["errorCode"]) == (400, "REQUEST_BODY_VALIDATION_FAILED")
    assert [detail["field"] for detail in rendered["details"]] == [
        "x", "promptObject.n", "promptObject.duration", "promptObject.resolution",
        "promptObject.loop",
    ]  # fmt: skip
    assert "(and 4 more, see details)" in rendered["message"]


def test_an_unsupported_pair_names_both_halves() -> None:
    with pytest.raises(InvalidRequest) as raised:
        wire.parse({**body(), "type": "IMAGE_GENERATOR", "model": "runway"}, BUILT_IN)
    status, rendered = wire.render_error(raised.value, "r")
    assert (status, rendered["errorCode"]) == (400, "UNSUPPORTED_MODEL")
    assert [detail["field"] for detail in rendered["details"]] == ["type", "model"]


async def test_a_wrong_idempotency_key_is_refused_before_anything_happens(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for wrong in ("", '""', "x" * 256, "caf\xe9", "tab\tinside"):
        answer = await still_gate.http.post(
            "/api/features",
            json=body(),
            headers=[
                (b"API-KEY", key.encode()),
                (b"Idempotency-Key", wrong.encode("latin-1")),
            ],
        )
        assert answer.status_code == 400, wrong
        assert answer.json()["errorCode"] == "REQUEST_BODY_VALIDATION_FAILED"
        assert answer.json()["details"][0]["field"] == "Idempotency-Key"
    assert await traces(still_gate) == before
