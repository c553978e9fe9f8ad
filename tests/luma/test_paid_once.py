"""Luma's SDKs try a create up to three times, and one call pays once: in both dialects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.errors import Unavailable
from tests.generations.test_round_trips import _UNTIL_PREPARED, _trips, followed
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import traces
from tests.luma.calling import AGENTS, DREAM_MACHINE, LION, ask_agents, bearer, dream

Create = Callable[..., Awaitable[httpx.Response]]
both = pytest.mark.parametrize("create", [dream, ask_agents])


@both
async def test_the_same_key_is_the_same_generation(still_gate: Gateway, create: Create) -> None:
    key = await still_gate.member()
    first = await create(still_gate, key, idempotency_key='"order-1"')
    again = await create(still_gate, key, idempotency_key="order-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = {"prompt": "another lion", "model": "ray-2"}
    refused = await create(still_gate, key, other, idempotency_key="order-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")
    assert (await traces(still_gate)).generations == 1


@both
async def test_the_attempts_of_one_call_are_one_generation(
    still_gate: Gateway, create: Create
) -> None:
    key = await still_gate.member()
    ids = []
    for count in ("0", "1", "2"):
        answer = await create(
            still_gate, key, x_stainless_retry_count=count, x_stainless_read_timeout="60"
        )
        ids.append(answer.json()["id"])
    assert len(set(ids)) == 1
    fresh = await create(still_gate, key, x_stainless_retry_count="0")
    assert fresh.json()["id"] != ids[0]
    assert (await traces(still_gate)).generations == 2


async def test_equal_requests_of_two_dialects_are_two(still_gate: Gateway) -> None:
    key = await still_gate.member()
    same = {"model": "ray-3.2", "prompt": "a lion"}
    first = await dream(still_gate, key, same, x_stainless_retry_count="0")
    other = await ask_agents(still_gate, key, same, x_stainless_retry_count="1")
    assert first.json()["id"] != other.json()["id"]


@both
async def test_a_full_account_is_402_and_is_not_tried_again(
    still_gate: Gateway, create: Create
) -> None:
    key = await still_gate.member(credit_limit=100_000)
    before = await traces(still_gate)
    answer = await create(still_gate, key)
    assert answer.status_code == 402
    told = answer.json()
    assert (told["code"], told["billed"]) == ("insufficient_credits", False)
    assert (told["limit"], told["limit_value"]) == ("member_credit_limit", 100_000)
    assert answer.headers["x-should-retry"] == "false"
    assert await traces(still_gate) == before


@both
@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"rate_burst": 1, "rate_per_minute": 1}, "rate_limited"),
        ({"max_open": 1}, "max_open_reached"),
    ],
)
async def test_a_limit_is_429_and_says_when_to_come_back(
    still_gate: Gateway, create: Create, limits: dict[str, Any], code: str
) -> None:
    key = await still_gate.member(**limits)
    assert (await create(still_gate, key)).status_code == 201
    answer = await create(still_gate, key)
    assert (answer.status_code, answer.json()["code"]) == (429, code)
    assert answer.headers["x-should-retry"] == "true"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@both
async def test_an_outage_before_it_is_taken_is_503_and_may_be_tried_again(
    still_gate: Gateway, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    def away(**_: Any) -> None:
        raise Unavailable(retry_after_seconds=600)

    monkeypatch.setattr(still_gate.rt.prices.__class__, "quote", lambda *_: away())
    answer = await create(still_gate, key)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    # The older clients for node heed what is less than a minute.
    assert answer.headers["Retry-After"] == "59"


@both
async def test_a_fault_is_not_tried_again(
    still_gate: Gateway, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    def broken(*_: Any) -> None:
        raise RuntimeError("canary-of-a-fault")

    for dialect in ("luma", "luma_agents"):
        monkeypatch.setattr(f"app.dialects.{dialect}.wire.render", broken)
    answer = await create(still_gate, key)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert (answer.json()["code"], answer.json()["retry_safe"]) == ("internal_error", False)
    assert "canary" not in answer.text


@pytest.mark.parametrize("path", [f"{DREAM_MACHINE}/generations/video", f"{AGENTS}/generations"])
async def test_a_body_that_cannot_be_read_is_refused(still_gate: Gateway, path: str) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    unreadable: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"content": b"{"}, 400, "malformed_json"),
        ({"content": b"[]"}, 400, "malformed_json"),
        ({"content": b"x" * 2_000_000}, 413, "payload_too_large"),
        ({"json": {}}, 400, "invalid_request"),
    )
    for sent, status, code in unreadable:
        answer = await still_gate.http.post(path, headers=bearer(key), **sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert isinstance(answer.json()["detail"], str)
    assert await traces(still_gate) == before


@pytest.mark.parametrize(
    ("create", "asked", "field"),
    [
        (dream, {**LION, "duration": "9s"}, "duration"),
        (dream, {**LION, "resolution": "540p"}, "resolution"),
        (ask_agents, {"video": {"resolution": "360p"}}, "video.resolution"),
    ],
)
async def test_where_the_operator_is_strict_nothing_else_is_made(
    database_url: str, tmp_path: Path, create: Create, asked: dict[str, Any], field: str
) -> None:
    async with gateway(database_url, tmp_path, worker=False, unoffered_values="strict") as gate:
        key = await gate.member()
        before = await traces(gate)
        answer = await create(gate, key, asked)
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["errors"]] == [field]
        assert await traces(gate) == before
        assert (await create(gate, key)).status_code == 201


@both
async def test_the_operators_own_names_of_models_are_understood_and_echoed(
    database_url: str, tmp_path: Path, create: Create
) -> None:
    named = ("house-model=ray-v2", "ray-3.2=ray-v1")
    async with gateway(database_url, tmp_path, worker=False, model_aliases=named) as gate:
        key = await gate.member()
        asked = {"prompt": "a lion", "model": "house-model"}
        made = (await create(gate, key, asked)).json()
        assert made["model"] == "house-model"
        kept = await gate.generation(UUID(made["id"]))
        assert kept.spec.model == "ray-v2"
        refused = await create(gate, key, {**asked, "model": "ray-2"})
        assert "house-model" in refused.json()["errors"][0]["allowed"]


@pytest.mark.parametrize("base", [DREAM_MACHINE, AGENTS])
async def test_what_the_framework_refuses_has_the_same_shape(
    still_gate: Gateway, base: str
) -> None:
    key = await still_gate.member()
    for method, path, status in (
        ("GET", "/nothing", 404), ("PUT", "/generations", 405), ("POST", "/generations", 401),
    ):  # fmt: skip
        headers = bearer(key) if status != 401 else {}
        answer = await still_gate.http.request(method, base + path, headers=headers)
        assert answer.status_code == status
        assert answer.json()["billed"] is False
        assert set(answer.json()) >= {"detail", "code", "retry_safe", "request_id"}


@both
async def test_an_accepted_create_takes_one_trip_to_the_database(
    database_url: str, tmp_path: Path, create: Create
) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            for _ in range(_UNTIL_PREPARED):
                await create(gate, key)
            asked = create(gate, key, idempotency_key="once", x_stainless_retry_count="0")
            assert await _trips(wire, asked, status=201) == 1
