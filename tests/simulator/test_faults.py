"""Each fault does what it says; the table below covers every name."""

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

#: Name and options, then status, errorCode (None: no JSON envelope).
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
FATES = (
    "failed_200", "fail_later", "never_finish", "turn_null", "unknown_status", "early_success",
    "same_uuid",
)  # fmt: skip


def test_no_fault_goes_untested() -> None:
    tested = {name for name, *_ in REFUSALS} | {*ACCEPTED, *CONNECTION, *FATES}
    downloads = {name for name, kind in FAULTS.items() if kind.where == (DOWNLOAD,)}
    assert tested | downloads == set(FAULTS)  # the downloads have a file of their own


@pytest.mark.parametrize(("name", "options", "status", "code"), REFUSALS)
async def test_refusals_make_and_bill_nothing(
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
    assert (await still.submit())["status"] == "PROCESSING"  # it struck once
    books = await still.books()
    assert [each["outcome"] for each in books["submissions"]] == [name, "accepted"]
    assert books["submissions"][0]["uuid"] is None
    assert (books["records"], books["billed_credits"]) == (1, 150_000)


@pytest.mark.parametrize("name", ACCEPTED)
async def test_gateway_timeouts_hide_a_paid_record(still: Client, name: str) -> None:
    await still.fault(name)
    assert (await still.post()).status_code == int(name[-3:])
    [submission] = (await still.books())["submissions"]
    assert (submission["outcome"], submission["billed"]) == (name, 150_000)
    assert (await still.result(submission["uuid"]))["status"] == "PROCESSING"


async def test_any_status_can_hide_a_paid_record(still: Client) -> None:
    await still.fault("http_500", accepted=True)
    assert (await still.post()).status_code == 500
    assert (await still.books())["billed_credits"] == 150_000


@pytest.mark.parametrize("provider_status", [400, 429, 500])
async def test_the_wrapped_error_hides_its_cause(still: Client, provider_status: int) -> None:
    await still.fault("external_error", provider_status=provider_status)
    error = (await still.post()).json()
    assert "busy" in error["message"]
    assert error["details"]["response"]["status"] == provider_status
    assert error["details"]["request"]["url"] == PROVIDER_URL
    assert error["context"]["service"]


async def test_rate_limits_differ_in_shape(still: Client) -> None:
    await still.fault("rate_limited", retry_after=7)
    await still.fault("rate_limited", bare=True)
    first, second = await still.post(), await still.post()
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert first.json()["errorCode"] == "RATE_LIMITED"
    assert list(second.json()) == ["error"]
    assert "retry-after" not in second.headers


async def test_the_edge_can_challenge(still: Client) -> None:
    await still.fault("challenge_403", {"path": "results"})
    answer = await still.http.get("/api/results/x")
    assert answer.status_code == 403
    assert answer.headers["cf-mitigated"] == "challenge"


async def test_no_credits_as_a_record(still: Client) -> None:
    await still.fault("insufficient_credits", form="record")
    record = await still.submit(held=True)
    assert record["aiRecordDetail"]["resultObject"]["code"] == "INSUFFICIENT_CREDITS"
    assert "requires 150000 credits" in record["aiRecordDetail"]["resultObject"]["message"]
    assert (await still.books())["billed_credits"] == 0


@pytest.mark.parametrize("status", ["FAILED", "FAILURE", "ERROR"])
@pytest.mark.parametrize(
    ("shape", "result"),
    [("object", {"code": "BLOCKED", "message": "no"}), ("array", ["no"]), ("string", "no")],
)
async def test_failed_in_a_200(still: Client, status: str, shape: str, result: Any) -> None:
    await still.fault("failed_200", status=status, shape=shape, code="BLOCKED", message="no")
    record = await still.submit(held=True)
    assert (record["status"], record["aiRecordDetail"]["resultObject"]) == (status, result)
    assert "temporaryUrl" not in record
    assert await still.result(record["uuid"]) == record
    assert (await still.books())["billed_credits"] == 0


@pytest.mark.parametrize("billed", [True, False])
async def test_fail_later(still: Client, clock: WallClock, billed: bool) -> None:
    await still.fault("fail_later", seconds=30, billed=billed)
    record = await still.submit()
    assert record["status"] == "PROCESSING"
    clock.at += 29
    assert (await still.result(record["uuid"]))["status"] == "PROCESSING"
    clock.at += 2
    assert (await still.result(record["uuid"]))["status"] == "FAILURE"
    assert (await still.books())["billed_credits"] == 150_000 * billed


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


async def test_null_for_one_look(still: Client) -> None:
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


async def test_same_uuid(still: Client) -> None:
    first = await still.submit("one lion")
    await still.fault("same_uuid")
    second = await still.submit("two lions")
    assert second["uuid"] == first["uuid"]
    books = await still.books()
    assert len({each["uuid"] for each in books["submissions"]}) == 2
    assert books["billed_credits"] == 300_000


async def test_reset_before_leaves_no_trace_but_the_ask(live: Client) -> None:
    await live.fault("reset_before")
    with pytest.raises(httpx.ReadError):
        await live.post()
    books = await live.books()
    assert books["prompts"].popitem()[1] == {"asked": 1, "made": 0, "billed": 0}
    assert books["records"] == 0


async def test_reset_after_is_paid(live: Client) -> None:
    await live.fault("reset_after")
    with pytest.raises(httpx.ReadError):
        await live.post(held=True)
    [submission] = (await live.books())["submissions"]
    assert (submission["outcome"], submission["billed"]) == ("reset_after", 150_000)
    assert (await live.result(submission["uuid"]))["uuid"] == submission["uuid"]


async def test_half_body(live: Client) -> None:
    await live.fault("half_body")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await live.post()
    assert (await live.books())["billed_credits"] == 150_000


async def test_slow_drip_arrives_whole(live: Client) -> None:
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


async def test_hang_says_nothing_and_is_paid(live: Client) -> None:
    await live.fault("hang", seconds=0.1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        await live.post()
    assert (await live.books())["billed_credits"] == 150_000


async def test_delay_only_delays(live: Client) -> None:
    await live.fault("delay", seconds=0.15)
    begun = asyncio.get_running_loop().time()
    await live.submit()
    assert asyncio.get_running_loop().time() - begun >= 0.15


async def test_looks_can_be_cut_too(live: Client) -> None:
    record = await live.submit()
    await live.fault("reset_before", {"path": "results"})
    await live.fault("hang", {"path": "results"}, seconds=0.05)
    for wrong in (httpx.ReadError, httpx.RemoteProtocolError):
        with pytest.raises(wrong):
            await live.result(record["uuid"])
    assert (await live.result(record["uuid"]))["uuid"] == record["uuid"]
    assert (await live.books())["outcomes"]["results"] == {"found": 1, "hang": 1, "reset_before": 1}


async def test_a_prompt_can_ask_for_its_fault(still: Client, clock: WallClock) -> None:
    answer = await still.post("a lion [sim:key_inactive]")
    assert answer.status_code == 401
    record = await still.submit("a lion [sim:link_gone] [sim:no_such_fault]")
    clock.at += 20
    link = (await still.result(record["uuid"]))["temporaryUrl"]
    assert (await still.http.get(link)).status_code == 403


def test_canned_answers_belong_to_known_faults() -> None:
    answered = {
        name
        for name, kind in FAULTS.items()
        if FEATURES in kind.where and error_bodies.answer(parse({"name": name}), 1) is not None
    }
    assert answered == {name for name, *_ in REFUSALS} | set(ACCEPTED)
