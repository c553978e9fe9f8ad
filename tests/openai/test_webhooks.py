"""Webhook endpoints in OpenAI's dialect: whose they are, what is refused, what an SDK repeats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from app.dialects.openai import webhook_wire, wire
from app.domain.caller import Role
from app.domain.ids import parse_webhook_id, webhook_id
from app.errors import InvalidRequest
from app.live.member_limits import RateLimit
from app.webhooks import endpoints
from tests.harness.gateway import Gateway
from tests.native.test_properties import ANY_TEXT, JSON
from tests.openai.asking import bearer, refusal
from tests.webhooks.receiving import (
    Answer,
    Receiver,
    call,
    endpoint,
    receiving,
    verified,
    webhook_gateway,
)
from tests.webhooks.test_delivery import canceled

URL = "https://hooks.example/openai"
ENDS = ["video.completed", "video.failed"]
ASKED = {"name": "ours", "url": URL, "event_types": ENDS}
KEPT = {"keep_old_secret_active_for_24_hours": True}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def still(database_url: str, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Gateway]:
    async with webhook_gateway(database_url, tmp_path, receiver, worker=False) as gate:
        yield gate


async def ask(
    gate: Gateway, key: str, method: str, path: str = "", body: Any = None, **headers: str
) -> httpx.Response:
    return await gate.http.request(
        method, f"/v1/webhook_endpoints{path}", json=body, headers=bearer(key, **headers)
    )


async def made(gate: Gateway, key: str, asked: Mapping[str, Any] = ASKED, **headers: str) -> Any:
    answer = await ask(gate, key, "POST", body=asked, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(gate: Gateway, key: str, query: str = "") -> Any:
    answer = await ask(gate, key, "GET", query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(gate: Gateway, key: str) -> list[str]:
    return [each["id"] for each in (await listed(gate, key))["data"]]


async def test_the_secret_is_shown_where_openai_shows_it(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    created = await made(still, key, {**ASKED, "url": receiver.url})
    secret, path = created["signing_secret"], f"/{created['id']}"
    rotated = (await ask(still, key, "POST", f"{path}/rotate_secret")).json()["signing_secret"]
    assert secret != rotated
    for method, where, body in (
        ("GET", path, None), ("GET", "", None), ("POST", path, {"name": "mine"}),
        ("POST", f"{path}/test", {"event_type": "video.failed"}), ("DELETE", path, None),
    ):  # fmt: skip
        answer = await ask(still, key, method, where, body)
        assert answer.status_code == 200, answer.text
        for each in (secret, rotated):
            assert each.removeprefix("whsec_")[:-4] not in answer.text
    assert await listed(still, key) == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip


async def test_a_rotation_ends_the_old_secret_unless_it_is_kept(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    created = await made(still, key, {**ASKED, "url": receiver.url})
    path = f"/{created['id']}"
    secrets = [created["signing_secret"]]
    for body in (None, {}, KEPT):
        answer = await ask(still, key, "POST", f"{path}/rotate_secret", body)
        secrets.append(answer.json()["signing_secret"])
    await ask(still, key, "POST", f"{path}/test", {"event_type": "video.completed"})
    event = verified(receiver.requests[0], *secrets[2:])
    assert event.keys() == {"id", "object", "created_at", "type", "data"}
    assert (event["object"], event["type"]) == ("event", "video.completed")
    assert event["data"] == {"id": f"video_{0:032x}"}
    assert len(receiver.requests[0].headers["webhook-signature"].split()) == 2


async def test_a_test_says_what_came_back_or_that_nothing_did(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still.member()
    created = await made(still, key, {**ASKED, "url": receiver.url})
    path, body = f"/{created['id']}/test", {"event_type": "video.failed"}
    receiver.answers = [Answer(500), Answer(302, ("Location: https://elsewhere.example/",))]
    for status in (500, 302):
        answer = await ask(still, key, "POST", path, body)
        assert answer.json() == {
            "object": "webhook_endpoint.test", "webhook_endpoint_id": created["id"],
            "event_type": "video.failed", "status_code": status, "success": True,
        }  # fmt: skip
    monkeypatch.setattr("app.webhooks.delivery.ATTEMPT_SECONDS", 0.1)
    receiver.held = asyncio.Event()
    error = refusal(await ask(still, key, "POST", path, body), 400, "invalid_request")
    assert error["message"] == "The endpoint did not answer: no whole answer within 0.1 s."
    # A test is about no video and is sent once, whatever came of it.
    deliveries = (await call(still, key, "GET", "/deliveries"))["data"]
    assert {
        (each["type"], each["generation_id"], each["next_attempt_at"]) for each in deliveries
    } == {("video.failed", None, None)}


async def test_other_peoples_are_like_unknown_ones(still: Gateway) -> None:
    ada, bob = await still.member("ada"), await still.member("bob")
    boss = await still.member("boss", role=Role.ADMIN)
    eve = await still.member("eve", team="others")
    own = (await made(still, ada))["id"]
    for key in (bob, boss, eve):
        assert await ids(still, key) == []
        refusal(await ask(still, key, "GET", f"?after={own}"), 400, "invalid_value")
        for method, path, body in (
            ("GET", "", None), ("POST", "", {"name": "x"}), ("DELETE", "", None),
            ("POST", "/rotate_secret", {}), ("POST", "/test", {"event_type": "video.failed"}),
        ):  # fmt: skip
            messages = set()
            for which in (own, webhook_id(uuid4())):
                answer = await ask(still, key, method, f"/{which}{path}", body)
                error = refusal(answer, 404, "not_found")
                messages.add(error["message"].replace(str(parse_webhook_id(which)), "ID"))
            assert len(messages) == 1
    assert await ids(still, ada) == [own]
    for which in ("whe_x", "video_" + "0" * 32, "%00", "%ED%A0%80", "x" * 5_000):
        refusal(await ask(still, ada, "GET", f"/{which}"), 404, "not_found")
        refusal(await ask(still, ada, "POST", f"/{which}/test", {}), 404, "not_found")
        refusal(await ask(still, ada, "GET", f"?after={which}"), 400, "invalid_value")


async def test_an_id_of_either_api_is_good_at_both(still: Gateway) -> None:
    key = await still.member()
    own = (await made(still, key))["id"]
    shown = await call(still, key, "GET", f"/endpoints/{own}")
    assert (shown["format"], shown["description"]) == ("openai", "ours")
    assert (await ask(still, key, "GET", f"/{shown['id']}")).json()["id"] == own
    await canceled(still, key)
    for which in (own, shown["id"], own.upper()):
        found = await call(still, key, "GET", "/deliveries", params={"endpoint_id": which})
        assert [each["endpoint_id"] for each in found["data"]] == [shown["id"]]


async def test_only_endpoints_in_openais_format_are_found(still: Gateway) -> None:
    key = await still.member()
    rest = (await endpoint(still, key, URL))["id"]
    refusal(await ask(still, key, "GET", f"/{rest}"), 404, "not_found")
    assert await ids(still, key) == []
    await call(still, key, "PATCH", f"/endpoints/{rest}", json={"format": "openai"})
    [found] = (await listed(still, key))["data"]
    assert (found["name"], found["event_types"], found["enabled"]) == ("", ENDS, True)
    await call(still, key, "PATCH", f"/endpoints/{rest}", json={"enabled": False})
    [found] = (await listed(still, key))["data"]
    assert (found["enabled"], found["disabled_reason"]) == (False, "owner")


async def test_pages_are_openais(still: Gateway) -> None:
    boss = await still.member("boss", role=Role.ADMIN)
    every = [(await made(still, boss))["id"] for _ in range(2)]
    await endpoint(still, boss, URL)
    wide = await endpoint(still, boss, URL, format="openai", team_wide=True)
    every.append(webhook_id(UUID(wide["id"])))
    page = await listed(still, boss, "?limit=2")
    assert [each["id"] for each in page["data"]] == every[:0:-1]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (every[2], every[1], True)
    rest = await listed(still, boss, f"?limit=2&after={page['last_id']}")
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (every[:1], False)
    for query in ("limit=101", "limit=-1", "limit=x"):
        error = refusal(await ask(still, boss, "GET", f"?{query}"), 400, "invalid_value")
        assert error["param"] == "limit"


async def test_what_does_not_change_leaves_the_time_of_the_last_change(still: Gateway) -> None:
    key = await still.member()
    path = f"/{(await made(still, key))['id']}"
    async with still.rt.db.begin() as tx:
        await tx.execute(text("UPDATE webhook_endpoints SET updated_at = '2020-01-01Z'"))
    same = (await ask(still, key, "POST", path, ASKED)).json()
    assert same["updated_at"] == 1_577_836_800
    assert (await ask(still, key, "POST", path, {"name": None})).json() == same
    changed = (await ask(still, key, "POST", path, {"event_types": ENDS[1:]})).json()
    assert changed["updated_at"] > same["updated_at"]
    assert changed["event_types"] == ENDS[1:]


async def test_attempts_of_an_sdk_at_one_create_are_one_endpoint(still: Gateway) -> None:
    """The answer to the first was lost. Two endpoints would get each event twice, and nobody would
    have the secret of one of them."""
    key, bob = await still.member(), await still.member("bob")
    first = await made(still, key, x_stainless_retry_count="0")
    for count in ("1", "2"):
        assert await made(still, key, x_stainless_retry_count=count) == first
    # Another call, another endpoint, another key, and one that was changed since.
    others = [
        await made(still, key, x_stainless_retry_count="0"),
        await made(still, key, {**ASKED, "name": "x"}, x_stainless_retry_count="1"),
        await made(still, bob, x_stainless_retry_count="1"),
    ]
    for each in (first, others[0]):
        await ask(still, key, "POST", f"/{each['id']}/rotate_secret")
    others.append(await made(still, key, x_stainless_retry_count="1"))
    assert len({each["id"] for each in (first, *others)}) == 5
    together = (made(still, bob, x_stainless_retry_count=str(count)) for count in (1, 2, 3))
    found = await asyncio.gather(*together)
    assert {each["signing_secret"] for each in found} == {others[2]["signing_secret"]}
    async with still.rt.db.begin() as tx:
        await tx.execute(
            text("UPDATE webhook_endpoints SET created_at = now() - interval '1 hour',"
                 " updated_at = now() - interval '1 hour'")
        )  # fmt: skip
    assert (await made(still, bob, x_stainless_retry_count="1"))["id"] != others[2]["id"]


async def test_attempts_at_one_rotation_keep_the_secret_that_the_receiver_has(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    created = await made(still, key, {**ASKED, "url": receiver.url})
    path = f"/{created['id']}"
    secrets = []
    for count in ("0", "1", "2", "0"):
        answer = await ask(
            still, key, "POST", f"{path}/rotate_secret", KEPT, x_stainless_retry_count=count
        )
        secrets.append(answer.json()["signing_secret"])
        await ask(still, key, "POST", f"{path}/test", {"event_type": "video.completed"})
    assert len({created["signing_secret"], *secrets[:3]}) == 2
    verified(receiver.requests[2], created["signing_secret"], secrets[0])
    verified(receiver.requests[3], secrets[0], secrets[3])
    assert secrets[3] != secrets[0]


#: What is sent in place of something good, and the code and parameter of its refusal.
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": None}, "missing_required_parameter", "name"),
    ({"name": " "}, "invalid_value", "name"),
    ({"name": 7}, "invalid_type", "name"),
    ({"name": "x" * 501}, "invalid_value", "name"),
    ({"name": "a\x00"}, "invalid_value", "name"),
    ({"name": "\ud800"}, "invalid_value", "name"),
    ({"url": "http://hooks.example/"}, "invalid_value", "url"),
    ({"url": "https://169.254.169.254/"}, "invalid_value", "url"),
    ({"url": "https://u:p@hooks.example/"}, "invalid_value", "url"),
    ({"url": "https://\ud800.example/\x00"}, "invalid_value", "url"),
    ({"url": "https://hooks.example/\ud800"}, "invalid_value", "url"),
    ({"url": {"a": 1}}, "invalid_type", "url"),
    ({"event_types": []}, "invalid_type", "event_types"),
    ({"event_types": "video.failed"}, "invalid_type", "event_types"),
    ({"event_types": ["video.failed", "batch.failed"]}, "invalid_value", "event_types[1]"),
    ({"event_types": [["video.failed"]]}, "invalid_value", "event_types[0]"),
    ({"event_types": ["webhook.test"] * 60_000}, "invalid_value", "event_types[0]"),
    ({"enabled": True}, "unknown_parameter", "enabled"),
    ({"signing_secret": "whsec_x"}, "unknown_parameter", "signing_secret"),
]


async def test_what_cannot_be_is_refused_by_its_name(still: Gateway) -> None:
    still.rt.webhook_change_limit = RateLimit("changes", per_minute=1_000)
    key = await still.member()
    for asked, code, param in WRONG:
        body = json.dumps({**ASKED, **asked}).encode()
        answer = await still.http.post("/v1/webhook_endpoints", content=body, headers=bearer(key))
        error = refusal(answer, 400, code)
        assert error["param"] == param
        assert len(answer.content) < 40_000
    assert await ids(still, key) == []


async def test_bodies_are_objects_and_bounded(still: Gateway) -> None:
    key = await still.member()
    path = f"/{(await made(still, key))['id']}"
    for where in ("", path, f"{path}/rotate_secret", f"{path}/test"):
        for body, status, code in (
            (b"[]", 400, "malformed_json"), (b"{", 400, "malformed_json"),
            (b'{"name": "%s"}' % (b"x" * 2_000_000), 413, "payload_too_large"),
        ):  # fmt: skip
            answer = await still.http.post(
                f"/v1/webhook_endpoints{where}", content=body, headers=bearer(key)
            )
            refusal(answer, status, code)
    unsaid = await ask(still, key, "POST", f"{path}/test", {})
    error = refusal(unsaid, 400, "missing_required_parameter")
    assert error["details"][0]["allowed"] == [*ENDS, "video.archived"]
    kept = {"keep_old_secret_active_for_24_hours": "yes"}
    refusal(await ask(still, key, "POST", f"{path}/rotate_secret", kept), 400, "invalid_type")


async def test_changes_have_the_pace_and_the_number_of_the_rest_api(
    still: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1)
    still.rt.webhook_change_limit = RateLimit("changes", per_minute=3)
    key = await still.member()
    await made(still, key)
    error = refusal(await ask(still, key, "POST", body=ASKED), 400, "invalid_value")
    assert "1 endpoints" in error["message"]
    await call(still, key, "POST", "/callback-secret/rotate")
    refusal(await ask(still, key, "POST", body=ASKED), 429, "rate_limit_exceeded", retry="true")
    nobody = await still.http.post("/v1/webhook_endpoints", json=ASKED)
    refusal(nobody, 401, "invalid_api_key")


FIELDS = st.dictionaries(
    st.sampled_from([*webhook_wire.FIELDS, "event_type"]) | ANY_TEXT,
    JSON | st.lists(st.sampled_from([*ENDS, "x"])), max_size=5,
)  # fmt: skip


@given(FIELDS)
@example({"event_types": [10**400, float("inf")]})
@example({"\ud800": "\udfff\x00"})
def test_any_fields_are_a_request_or_a_refusal_that_can_be_sent(fields: dict[str, Any]) -> None:
    for parse in (
        lambda: webhook_wire.parse(fields, complete=True),
        lambda: webhook_wire.parse(fields, complete=False),
        lambda: webhook_wire.parse_rotation(fields),
        lambda: webhook_wire.parse_test(fields),
    ):
        try:
            parse()
        except InvalidRequest as error:
            status, body = wire.render_error(error, "request-1")
            assert status == 400
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
