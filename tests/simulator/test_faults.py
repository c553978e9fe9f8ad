"""Every fault does what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.simulator import error_bodies
from app.simulator.config import PROVIDER_URL
from app.simulator.faults import DOWNLOAD, FAULTS, FEATURES, parse
from tests.simulator.conftest import Client, WallClock

Check = Callable[[Client], Awaitable[None]]

#: Name, options, status, errorCode (None if there is no JSON envelope).
REFUSALS: list[tuple[str, dict[str, Any], int, str | None]] = [
    ("status", {"status": 418, "body": {"errorCode": "TEAPOT"}}, 418, "TEAPOT"),
    ("status", {"status": 503, "body": "later", "headers": {"Retry-After": "3"}}, 503, None),
    ("unsupported_model", {}, 400, "UNSUPPORTED_MODEL"),
    ("missing_fields", {}, 400, "MISSING_REQUIRED_FIELDS"),
    ("validation", {}, 422, "PROMPT_OBJECT_VALIDATION_FAILED"),
    ("unknown_error", {}, 400, "UNKNOWN_ERROR"),
    ("external_error", {}, 400, "EXTERNAL_API_RESPONSE_WITH_ERROR"),
    ("key_deleted", {}, 401, "HTTP_EXCEPTION"),
    ("key_inactive", {}, 401, "HTTP_EXCEPTION"),
    ("insufficient_credits", {}, 402, "INSUFFICIENT_CREDITS"),
    ("insufficient_credits", {"status": 406}, 406, "INSUFFICIENT_CREDITS"),
    ("rate_limited", {}, 429, "RATE_LIMITED"),
    ("http_500", {}, 500, None),
    ("http_502", {}, 502, None),
    ("http_503", {}, 503, None),
    ("http_522", {}, 522, None),
    ("html_200", {}, 200, None),
    ("challenge_403", {}, 403, None),
    ("not_acceptable_406", {}, 406, None),
]
ACCEPTED = ("http_504", "http_524")
CONNECTION = ("reset_before", "reset_after", "half_body", "slow_drip", "hang", "delay")
RECORD_FAULTS = (
    "failed_200", "fail_later", "never_finish", "turn_null", "unknown_status", "early_success",
    "same_uuid", "no_team_user",
)  # fmt: skip


def test_every_fault_has_a_test() -> None:
    tested = {name for name, *_ in REFUSALS} | {*ACCEPTED, *CONNECTION, *RECORD_FAULTS}
    downloads = {name for name, kind in FAULTS.items() if kind.paths == (DOWNLOAD,)}
    assert tested | downloads == set(FAULTS)  # download faults are in test_download_faults.py


@pytest.mark.parametrize(("name", "options", "status", "code"), REFUSALS)
async def test_a_refusal_makes_and_bills_nothing(
    still: Client, name: str, options: dict[str, Any], status: int, code: str | None
) -> None:
    await still.fault(name, **options)
    answer = await still.post()
    assert answer.status_code == status
    if code is None:
        assert "json" not in answer.headers["content-type"]
    else:
        assert answer.json()["errorCode"] == code
    for header, value in options.get("headers", {}).items():
        assert answer.headers[header] == value
    assert (await still.submit())["status"] == "PROCESSING"  # the rule applied once
    summary = await still.summary()
    assert [each["outcome"] for each in summary["submissions"]] == [name, "accepted"]
    assert summary["submissions"][0]["uuid"] is None
    assert (summary["records"], summary["billed_credits"]) == (1, 150_000)


@pytest.mark.parametrize("name", ACCEPTED)
async def test_a_gateway_timeout_hides_a_billed_record(still: Client, name: str) -> None:
    await still.fault(name)
    assert (await still.post()).status_code == int(name[-3:])
    [submission] = (await still.summary())["submissions"]
    assert (submission["outcome"], submission["billed"]) == (name, 150_000)
    assert (await still.result(submission["uuid"]))["status"] == "PROCESSING"


async def test_any_status_can_hide_a_billed_record(still: Client) -> None:
    await still.fault("http_500", accepted=True)
    assert (await still.post()).status_code == 500
    assert (await still.summary())["billed_credits"] == 150_000


@pytest.mark.parametrize("provider_status", [400, 429, 500])
async def test_a_wrapped_provider_error_always_says_busy(
    still: Client, provider_status: int
) -> None:
    await still.fault("external_error", provider_status=provider_status)
    error = (await still.post()).json()
    assert "busy" in error["message"]
    assert error["details"]["response"]["status"] == provider_status
    assert error["details"]["request"]["url"] == PROVIDER_URL
    assert error["context"]["service"]


async def test_rate_limits_come_in_two_shapes(still: Client) -> None:
    await still.fault("rate_limited", retry_after=7)
    await still.fault("rate_limited", bare=True)
    first, second = await still.post(), await still.post()
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert first.json()["errorCode"] == "RATE_LIMITED"
    assert list(second.json()) == ["error"]
    assert "retry-after" not in second.headers


async def test_the_proxy_can_answer_with_a_challenge(still: Client) -> None:
    await still.fault("challenge_403", {"path": "results"})
    answer = await still.http.get("/api/results/x")
    assert answer.status_code == 403
    assert answer.headers["cf-mitigated"] == "challenge"


async def test_insufficient_credits_can_come_as_a_record(still: Client) -> None:
    await still.fault("insufficient_credits", form="record")
    record = await still.submit(held=True)
    assert record["aiRecordDetail"]["resultObject"]["code"] == "INSUFFICIENT_CREDITS"
    assert "requires 150000 credits" in record["aiRecordDetail"]["resultObject"]["message"]
    assert (await still.summary())["billed_credits"] == 0


@pytest.mark.parametrize("status", ["FAILED", "FAILURE", "ERROR"])
@pytest.mark.parametrize(
    ("shape", "result"),
    [("object", {"code": "BLOCKED", "message": "no"}), ("array", ["no"]), ("string", "no")],
)
async def test_a_failed_record_comes_with_200(
    still: Client, status: str, shape: str, result: Any
) -> None:
    await still.fault("failed_200", status=status, shape=shape, code="BLOCKED", message="no")
    record = await still.submit(held=True)
    assert (record["status"], record["aiRecordDetail"]["resultObject"]) == (status, result)
    assert "temporaryUrl" not in record
    assert await still.result(record["uuid"]) == record
    assert (await still.summary())["billed_credits"] == 0


@pytest.mark.parametrize("billed", [True, False])
async def test_fail_later(still: Client, clock: WallClock, billed: bool) -> None:
    await still.fault("fail_later", seconds=30, billed=billed)
    record = await still.submit()
    assert record["status"] == "PROCESSING"
    clock.at += 29
    assert (await still.result(record["uuid"]))["status"] == "PROCESSING"
    clock.at += 2
    assert (await still.result(record["uuid"]))["status"] == "FAILURE"
    assert (await still.summary())["billed_credits"] == 150_000 * billed


async def test_never_finish(still: Client, clock: WallClock) -> None:
    await still.fault("never_finish")
    record = await still.submit()
    clock.at += 365 * 86_400
    assert (await still.result(record["uuid"]))["status"] == "PROCESSING"


async def test_turn_null(still: Client, clock: WallClock) -> None:
    await still.fault("turn_null", seconds=5)
    record = await still.submit()
    assert (await still.result(record["uuid"]))["status"] == "PROCESSING"
    clock.at += 6
    assert await still.result(record["uuid"]) is None


async def test_turn_null_for_one_look_up(still: Client) -> None:
    record = await still.submit()
    await still.fault("turn_null", {"path": "results"})
    assert await still.result(record["uuid"]) is None
    assert (await still.result(record["uuid"]))["uuid"] == record["uuid"]


async def test_unknown_status(still: Client, clock: WallClock) -> None:
    await still.fault("unknown_status", word="DREAMING")
    record = await still.submit()
    assert record["status"] == "DREAMING"
    clock.at += 20
    assert (await still.result(record["uuid"]))["status"] == "SUCCESS"
    await still.fault("unknown_status", {"path": "results"})
    shown = await still.result(record["uuid"])
    assert (shown["status"], shown["aiRecordDetail"]["resultObject"]) == ("RENDERING", [])


async def test_early_success(still: Client) -> None:
    await still.fault("early_success")
    record = await still.submit(aspectRatio="1:1")
    assert record["status"] == "SUCCESS"
    assert (await still.http.head(record["temporaryUrl"])).status_code == 200


async def test_no_team_user(still: Client) -> None:
    await still.fault("no_team_user")
    await still.fault("no_team_user", {"path": "results"})
    record = await still.submit()
    assert record["teamUser"] is None
    assert (await still.result(record["uuid"]))["teamUser"] is None
    assert (await still.result(record["uuid"]))["teamUser"]["usedCredit"] == 150_000


async def test_same_uuid(still: Client) -> None:
    first = await still.submit("one lion")
    await still.fault("same_uuid")
    second = await still.submit("two lions")
    assert second["uuid"] == first["uuid"]
    summary = await still.summary()
    assert len({each["uuid"] for each in summary["submissions"]}) == 2
    assert summary["billed_credits"] == 300_000


async def test_reset_before_makes_no_record(live: Client) -> None:
    await live.fault("reset_before")
    with pytest.raises(httpx.ReadError):
        await live.post()
    summary = await live.summary()
    assert summary["prompts"].popitem()[1] == {"submitted": 1, "made": 0, "billed": 0}
    assert summary["records"] == 0


async def test_reset_after_is_billed(live: Client) -> None:
    await live.fault("reset_after")
    with pytest.raises(httpx.ReadError):
        await live.post(held=True)
    [submission] = (await live.summary())["submissions"]
    assert (submission["outcome"], submission["billed"]) == ("reset_after", 150_000)
    assert (await live.result(submission["uuid"]))["uuid"] == submission["uuid"]


async def test_half_body(live: Client) -> None:
    await live.fault("half_body")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await live.post()
    assert (await live.summary())["billed_credits"] == 150_000


async def test_slow_drip_is_complete(live: Client) -> None:
    await live.fault("slow_drip", seconds=0.2)
    asked = {"type": "TEXT_TO_VIDEO", "model": "luma", "async": True}
    prompt_object = {"prompt": "a lion", "modelName": "ray-v3", "duration": "5s"}
    pieces = []
    async with live.http.stream(
        "POST", "/api/features", json={**asked, "promptObject": prompt_object}
    ) as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert len(pieces) > 10
    assert json.loads(b"".join(pieces))["aiRecord"]["status"] == "PROCESSING"


async def test_hang_is_billed_and_never_answered(live: Client) -> None:
    await live.fault("hang", seconds=0.1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        await live.post()
    assert (await live.summary())["billed_credits"] == 150_000


async def test_delay_only_delays(live: Client) -> None:
    await live.fault("delay", seconds=0.15)
    started = asyncio.get_running_loop().time()
    await live.submit()
    assert asyncio.get_running_loop().time() - started >= 0.15


async def test_look_ups_can_break_too(live: Client) -> None:
    record = await live.submit()
    await live.fault("reset_before", {"path": "results"})
    await live.fault("hang", {"path": "results"}, seconds=0.05)
    for wrong in (httpx.ReadError, httpx.RemoteProtocolError):
        with pytest.raises(wrong):
            await live.result(record["uuid"])
    assert (await live.result(record["uuid"]))["uuid"] == record["uuid"]
    assert (await live.summary())["outcomes"]["results"] == {
        "found": 1,
        "hang": 1,
        "reset_before": 1,
    }


async def test_a_prompt_can_ask_for_a_fault(still: Client, clock: WallClock) -> None:
    answer = await still.post("a lion [sim:key_inactive]")
    assert answer.status_code == 401
    record = await still.submit("a lion [sim:link_gone] [sim:no_such_fault]")
    clock.at += 20
    link = (await still.result(record["uuid"]))["temporaryUrl"]
    assert (await still.http.get(link)).status_code == 403


def test_every_error_answer_is_tested() -> None:
    answered = {
        name
        for name, kind in FAULTS.items()
        if FEATURES in kind.paths and error_bodies.answer(parse({"name": name}), 1) is not None
    }
    assert answered == {name for name, *_ in REFUSALS} | set(ACCEPTED)
