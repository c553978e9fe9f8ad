"""The documented API: creates, results, refusals, credits and the rate."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from tests.standin import raw
from tests.standin.raw import KEY, OTHER_KEY, PROMPT, create, exchange, get, record, status
from tests.standin.server import PRICE, StandIn

#: The fields of the documentation's own sample of a record.
FIELDS = {
    "uuid", "userId", "teamId", "teamUser", "model", "type", "metadata", "rating", "feedback",
    "conversationId", "status", "createdAt", "aiRecordDetail", "additionalData", "temporaryUrl",
}  # fmt: skip
OWNER_FIELDS = {
    "teamId", "userId", "userName", "userAvatar", "status", "role", "creditLimit", "usedCredit",
    "createdAt", "createdBy", "updatedAt", "updatedBy",
}  # fmt: skip


async def result(stand_in: StandIn, uuid: str, *, key: str = KEY) -> Any:
    return record(await exchange(stand_in, get(f"/api/results/{uuid}", key=key)))


async def ready(stand_in: StandIn, uuid: str) -> Any:
    (record,) = (each for each in stand_in.shelf.made if each.uuid == uuid)
    await asyncio.sleep(max(0.0, record.ready_at - time.monotonic()))
    return await result(stand_in, uuid)


async def test_an_asynchronous_create_answers_at_once_and_its_result_follows(
    stand_in: StandIn,
) -> None:
    made = record(await exchange(stand_in, create()))
    assert made.keys() == FIELDS - {"temporaryUrl"}
    assert (made["status"], made["aiRecordDetail"]["resultObject"]) == ("PROCESSING", [])
    found = await ready(stand_in, made["uuid"])
    assert found.keys() == FIELDS
    assert found["teamUser"].keys() == OWNER_FIELDS
    assert (found["uuid"], found["status"]) == (made["uuid"], "SUCCESS")
    assert found["aiRecordDetail"]["promptObject"] == raw.asked()
    (path,) = found["aiRecordDetail"]["resultObject"]
    assert re.fullmatch(r"videos/\d{4}(_\d{2}){5}_\d{3}_\d{6}\.mp4", path)
    assert found["temporaryUrl"].startswith(f"{stand_in.address}/asset.1min.ai/{path}?X-Amz-")


async def test_a_plain_create_is_held_until_the_video_exists(stand_in: StandIn) -> None:
    found = record(await exchange(stand_in, create(asynchronous=False)))
    assert (found["status"], len(found["aiRecordDetail"]["resultObject"])) == ("SUCCESS", 1)


async def test_an_unknown_id_and_another_account_s_are_answered_with_null(
    stand_in: StandIn,
) -> None:
    made = record(await exchange(stand_in, create()))
    answer = await exchange(stand_in, get("/api/results/06e92293-ee32-47d7-85f2-fd4b59482b91"))
    assert (status(answer), raw.document(answer)) == (200, {"aiRecord": None})
    assert await result(stand_in, made["uuid"], key=OTHER_KEY) is None
    assert await result(stand_in, made["uuid"].upper()) is not None


async def test_a_bad_key_is_refused_and_nothing_is_made(stand_in: StandIn) -> None:
    for request in (create(key="nobody's"), get("/api/results/x", key="nobody's")):
        answer = await exchange(stand_in, request)
        assert (status(answer), raw.document(answer)["errorCode"]) == (401, "HTTP_EXCEPTION")
    assert [(post.billed, post.repeatable) for post in stand_in.journal.posts] == [(0, True)]


async def test_used_credits_lag_by_one_request(stand_in: StandIn) -> None:
    shown = [
        record(await exchange(stand_in, create(f"lag {number}")))["teamUser"]["usedCredit"]
        for number in range(4)
    ]
    assert [used - shown[0] for used in shown] == [0, PRICE, 2 * PRICE, 3 * PRICE]
    assert stand_in.accounts[KEY].used == shown[0] + 4 * PRICE


async def test_the_181st_request_of_a_minute_is_refused_and_other_keys_go_on(
    stand_in: StandIn,
) -> None:
    look = get("/api/results/06e92293-ee32-47d7-85f2-fd4b59482b91", closes=False)
    last = get("/api/results/06e92293-ee32-47d7-85f2-fd4b59482b91")
    answers = await exchange(stand_in, *([look] * 179), last)
    assert answers.count(b"HTTP/1.1 200 ") == 180
    answer = await exchange(stand_in, create())
    assert (status(answer), raw.document(answer)["errorCode"]) == (429, "RATE_LIMITED")
    assert status(await exchange(stand_in, create(key=OTHER_KEY))) == 200
    assert stand_in.journal.posts[0].repeatable


async def test_without_credits_nothing_is_made(stand_in: StandIn) -> None:
    account = stand_in.accounts[KEY]
    account.used = account.credit_limit - PRICE + 1
    answer = raw.document(await exchange(stand_in, create()))
    assert answer["errorCode"] == "INSUFFICIENT_CREDITS"
    assert f"requires {PRICE} credits" in answer["message"]
    assert f"only has {PRICE - 1} credits" in answer["message"]
    assert stand_in.shelf.made_for(PROMPT) == []


@pytest.mark.parametrize(
    ("change", "code", "status_"),
    [
        ({"type": None}, "UNKNOWN_ERROR", 400),
        ({"model": "kling"}, "UNSUPPORTED_MODEL", 400),
        ({"promptObject": []}, "REQUEST_BODY_VALIDATION_FAILED", 400),
        ({"promptObject": {"prompt": "x"}}, "MISSING_REQUIRED_FIELDS", 400),
        (
            {"promptObject": raw.asked(duration="7s")},
            "PROMPT_OBJECT_VALIDATION_FAILED",
            422,
        ),
    ],
)
async def test_a_wrong_create_is_refused(
    stand_in: StandIn, change: dict[str, Any], code: str, status_: int
) -> None:
    right = {"type": "TEXT_TO_VIDEO", "model": "luma", "promptObject": raw.asked(), "async": True}
    answer = await exchange(stand_in, raw.post(json.dumps({**right, **change}).encode()))
    assert (status(answer), raw.document(answer)["errorCode"]) == (status_, code)
    assert stand_in.accounts[KEY].used == 12_472_338


async def test_details_are_a_string_of_json_inside_the_json(stand_in: StandIn) -> None:
    answer = await exchange(stand_in, raw.post(b'{"type": "TEXT_TO_VIDEO"}'))
    details = json.loads(raw.document(answer)["details"])
    assert [each["field"] for each in details] == ["model", "promptObject"]


async def test_what_is_no_json_and_what_is_no_route_is_refused(stand_in: StandIn) -> None:
    answer = await exchange(stand_in, raw.post(b"\xff{"))
    assert raw.document(answer)["errorCode"] == "REQUEST_BODY_VALIDATION_FAILED"
    answer = await exchange(stand_in, get("/api/feature"))
    assert (status(answer), raw.document(answer)["message"]) == (404, "Cannot GET /api/feature")


async def test_a_body_in_chunks_and_one_behind_a_100_are_read(stand_in: StandIn) -> None:
    head, _, body = create(headers=["Expect: 100-continue"]).partition(b"\r\n\r\n")
    answer = await exchange(stand_in, head + b"\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    length = b"Content-Length: %d" % len(body)
    head = head.replace(length, b"Transfer-Encoding: chunked").replace(b"Expect", b"X-Expect")
    chunks = b"5\r\n%s\r\n%x;e=1\r\n%s\r\n0\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    assert status(await exchange(stand_in, head + b"\r\n\r\n" + chunks)) == 200
    assert len(stand_in.journal.posts) == 2
    assert stand_in.journal.posts[1].prompt == PROMPT


async def test_a_connection_is_kept_and_counted(stand_in: StandIn) -> None:
    await exchange(stand_in, create("one", closes=False), create("two"))
    await exchange(stand_in, create("three"))
    journal = stand_in.journal
    assert [request.connection for request in journal.requests] == [1, 1, 2]
    assert (journal.connections, journal.most_open) == (2, 1)
