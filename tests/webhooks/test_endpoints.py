"""Endpoints as their owners keep them, and nobody else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db.webhook_deliveries import pending, prune
from app.domain.caller import Role
from app.domain.ids import video_id
from app.errors import Unavailable
from app.live.member_limits import RateLimit
from app.webhooks import endpoints
from tests.harness.gateway import Gateway
from tests.webhooks.receiving import (
    Answer,
    Receiver,
    call,
    endpoint,
    verified,
    webhook_gateway,
)
from tests.webhooks.test_delivery import canceled, deliveries

URL = "https://hooks.example/reelgate"


@pytest.fixture
async def still(
    database_url: str, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 2)
    async with webhook_gateway(database_url, tmp_path, receiver, worker=False) as gate:
        yield gate


async def answer(gate: Gateway, key: str, method: str, path: str, **more: Any) -> Any:
    return await gate.http.request(
        method, f"/api/v1/webhooks{path}", headers={"API-KEY": key}, **more
    )


async def test_the_secret_is_shown_once_and_stands_nowhere(still: Gateway) -> None:
    key = await still.member()
    made = await endpoint(still, key, URL, description="ours")
    assert made["secret"].startswith("whsec_")
    assert len(made["secret"]) == len("whsec_") + 32
    shown = await call(still, key, "GET", f"/endpoints/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert shown["event_types"] == ["video.completed", "video.failed", "video.canceled"]
    assert (shown["format"], shown["enabled"], shown["team_wide"]) == ("reelgate", True, False)
    listed = await call(still, key, "GET", "/endpoints")
    assert listed["data"] == [shown]
    async with still.rt.db.single() as tx:
        row = (await tx.execute(text("SELECT * FROM webhook_endpoints"))).one()
    assert made["secret"].removeprefix("whsec_") not in str(row)


async def test_each_deed_has_its_line_in_the_audit_log(still: Gateway, receiver: Receiver) -> None:
    key = await still.member()
    made = await endpoint(still, key, receiver.url)
    path = f"/endpoints/{made['id']}"
    await call(still, key, "PATCH", path, json={"event_types": ["video.failed"], "enabled": False})
    rotated = await call(still, key, "POST", f"{path}/rotate")
    assert rotated["previous_secret_until"] is not None
    test = await call(still, key, "POST", f"{path}/test")
    await call(still, key, "POST", f"/deliveries/{test['id']}/resend")
    await call(still, key, "DELETE", path)
    assert (await answer(still, key, "GET", path)).status_code == 404
    async with still.rt.db.single() as tx:
        rows = await tx.execute(
            text(
                "SELECT action, detail, actor FROM audit_log"
                " WHERE subject IN (:id, :delivery) ORDER BY id"
            ),
            {"id": made["id"], "delivery": test["id"]},
        )
        found = rows.all()
    assert len({row.actor for row in found}) == 1
    lines = [(row.action, row.detail) for row in found]
    assert lines == [
        ("webhook.create", {"team_wide": False}),
        ("webhook.change", {"fields": ["enabled", "events"]}),
        ("webhook.rotate", {"overlap_seconds": 86_400}),
        ("webhook.test", {}),
        ("webhook.resend", {}),
        ("webhook.delete", {}),
    ]


async def test_what_is_changed_is_changed_and_nothing_else(still: Gateway) -> None:
    key = await still.member()
    made = await endpoint(still, key, URL, description="ours")
    path = f"/endpoints/{made['id']}"
    changed = await call(still, key, "PATCH", path, json={"format": "openai"})
    assert changed["format"] == "openai"
    assert (changed["url"], changed["description"], changed["enabled"]) == (URL, "ours", True)
    emptied = await call(still, key, "PATCH", path, json={"description": None, "url": URL + "/2"})
    assert (emptied["url"], emptied["description"]) == (URL + "/2", None)
    stopped = await call(still, key, "PATCH", path, json={"enabled": False})
    assert (stopped["enabled"], stopped["disabled_reason"]) == (False, "owner")
    assert await call(still, key, "PATCH", path, json={}) == stopped


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "url"), ({"url": "http://hooks.example/"}, "url"), ({"url": 7}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"), ({"url": URL, "event_types": []}, "event_types"),
        ({"url": URL, "event_types": ["video.started"]}, "event_types.0"),
        ({"url": URL, "format": "luma"}, "format"), ({"url": URL, "colour": "red"}, "colour"),
        ({"url": URL, "description": "a\x00b"}, "description"),
    ],
)  # fmt: skip
async def test_what_cannot_be_made_is_refused_by_its_field(
    still: Gateway, asked: dict[str, Any], field: str
) -> None:
    key = await still.member()
    refused = await answer(still, key, "POST", "/endpoints", json=asked)
    assert refused.status_code == 422
    assert field in [issue["field"] for issue in refused.json()["errors"]]
    assert await call(still, key, "GET", "/endpoints") == {"object": "list", "data": []}


@pytest.mark.parametrize("asked", [{"enabled": None}, {"url": None}, {"event_types": None}])
async def test_null_is_no_value_of_a_change(still: Gateway, asked: dict[str, None]) -> None:
    key = await still.member()
    made = await endpoint(still, key, URL)
    refused = await answer(still, key, "PATCH", f"/endpoints/{made['id']}", json=asked)
    assert refused.status_code == 422
    assert [issue["field"] for issue in refused.json()["errors"]] == list(asked)


async def test_endpoints_are_bounded(still: Gateway) -> None:
    ada, bob = await still.member("ada"), await still.member("bob")
    for _ in range(2):
        await endpoint(still, ada, URL)
    refused = await answer(still, ada, "POST", "/endpoints", json={"url": URL})
    assert refused.status_code == 422
    assert "2 endpoints" in refused.json()["detail"]
    await endpoint(still, bob, URL)


async def test_other_peoples_are_like_unknown_ones(still: Gateway) -> None:
    ada, bob = await still.member("ada"), await still.member("bob")
    boss = await still.member("boss", role=Role.ADMIN)
    made = await endpoint(still, ada, "https://hooks.example/x")
    await canceled(still, ada)
    (delivery,) = await deliveries(still)
    for key in (bob, boss):
        for method, path in (
            ("GET", f"/endpoints/{made['id']}"), ("PATCH", f"/endpoints/{made['id']}"),
            ("DELETE", f"/endpoints/{made['id']}"), ("POST", f"/endpoints/{made['id']}/rotate"),
            ("POST", f"/endpoints/{made['id']}/test"), ("GET", f"/deliveries/{delivery}"),
            ("POST", f"/deliveries/{delivery}/resend"),
        ):  # fmt: skip
            body: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
            theirs = await answer(still, key, method, path, **body)
            unknown = path.replace(made["id"], str(uuid4())).replace(str(delivery), str(uuid4()))
            nobodys = await answer(still, key, method, unknown, **body)
            assert theirs.status_code == nobodys.status_code == 404, (method, path)
            assert theirs.json()["code"] == nobodys.json()["code"]
        assert (await call(still, key, "GET", "/endpoints"))["data"] == []
        assert (await call(still, key, "GET", "/deliveries"))["data"] == []
    assert (await call(still, ada, "GET", "/deliveries"))["data"][0]["id"] == str(delivery)


async def test_a_team_wide_endpoint_is_its_administrators(
    still: Gateway, receiver: Receiver
) -> None:
    ada, boss = await still.member("ada"), await still.member("boss", role=Role.ADMIN)
    eve = await still.member("eve", team="others")
    refused = await answer(still, ada, "POST", "/endpoints", json={"url": URL, "team_wide": True})
    assert refused.status_code == 403
    made = await endpoint(still, boss, receiver.url, team_wide=True)
    assert made["team_wide"] is True
    await canceled(still, ada)
    await canceled(still, eve)
    assert len(await deliveries(still)) == 1
    assert (await call(still, ada, "GET", "/endpoints"))["data"] == []
    assert (await call(still, ada, "GET", "/deliveries"))["data"] == []
    assert len((await call(still, boss, "GET", "/deliveries"))["data"]) == 1


async def test_a_test_is_sent_now_and_says_what_came_back(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    made = await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(200, body=b"thanks"), Answer(500)]
    done = await call(still, key, "POST", f"/endpoints/{made['id']}/test")
    assert (done["type"], done["state"], done["last_status"]) == ("webhook.test", "delivered", 200)
    assert done["attempts"][0]["answer"] == "thanks"
    body = verified(receiver.requests[0], made["secret"])
    assert (body["type"], body["data"]) == ("webhook.test", {"object": "test"})
    await call(still, key, "PATCH", f"/endpoints/{made['id']}", json={"enabled": False})
    failed = await call(still, key, "POST", f"/endpoints/{made['id']}/test")
    assert (failed["state"], failed["attempt_count"]) == ("failed", 1)
    assert failed["next_attempt_at"] is None
    await call(still, key, "PATCH", f"/endpoints/{made['id']}", json={"format": "openai"})
    await call(still, key, "POST", f"/endpoints/{made['id']}/test")
    assert verified(receiver.requests[2], made["secret"])["object"] == "event"


async def test_a_test_that_broke_off_is_nothing_that_is_still_to_come(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still.member()
    made = await endpoint(still, key, receiver.url)

    async def stopped(*_: object) -> None:
        raise Unavailable("The gateway cannot reach its database right now.")

    monkeypatch.setattr("app.http.webhooks.record", stopped)
    broken = await answer(still, key, "POST", f"/endpoints/{made['id']}/test")
    assert broken.status_code == 503
    async with still.rt.db.single() as tx:
        assert (await pending(tx)).count == 0
        await tx.execute(
            text("UPDATE webhook_deliveries SET created_at = now() - interval '91 days'")
        )
        assert await prune(tx, days=90) == 1


async def test_tests_leave_connections_to_what_is_really_told(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None is given up before all are there.
    monkeypatch.setattr("app.webhooks.delivery.ATTEMPT_SECONDS", 600.0)
    receiver.held = asyncio.Event()
    most = still.rt.settings.webhook_concurrency
    tests: list[asyncio.Task[Any]] = []
    for number in range(most // 2 + 1):
        key = await still.member(f"ada {number}")
        made = await endpoint(still, key, receiver.url)
        path = f"/endpoints/{made['id']}/test"
        if len(tests) < most:
            tests += [asyncio.create_task(answer(still, key, "POST", path)) for _ in range(2)]
    await receiver.until(most)
    refused = await answer(still, key, "POST", path)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    receiver.held.set()
    assert {each.status_code for each in await asyncio.gather(*tests)} == {200}
    assert (await answer(still, key, "POST", path)).status_code == 200


async def test_one_members_tests_leave_room_for_anothers(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.webhooks.delivery.ATTEMPT_SECONDS", 600.0)
    ada, bob = await still.member(), await still.member("bob")
    hers = f"/endpoints/{(await endpoint(still, ada, receiver.url))['id']}/test"
    his = f"/endpoints/{(await endpoint(still, bob, receiver.url))['id']}/test"
    held = receiver.held = asyncio.Event()
    tests = [asyncio.create_task(answer(still, ada, "POST", hers)) for _ in range(8)]
    for refused in itertools.islice(asyncio.as_completed(tests), 6):
        found = await refused
        assert (found.status_code, found.json()["code"]) == (429, "rate_limited")
        assert int(found.headers["Retry-After"]) >= 1
    await receiver.until(2)
    receiver.held = None
    sent = await answer(still, bob, "POST", his)
    assert (sent.status_code, sent.json()["state"]) == (200, "delivered")
    held.set()
    answers = await asyncio.gather(*tests)
    assert sorted(each.status_code for each in answers) == [200] * 2 + [429] * 6
    # What was refused left no delivery.
    assert len((await call(still, ada, "GET", "/deliveries"))["data"]) == 2


async def test_a_member_changes_webhooks_at_a_pace(still: Gateway) -> None:
    """Each change stays in the audit log for ever."""
    still.rt.webhook_change_limit = RateLimit("changes", per_minute=3)
    ada, bob = await still.member(), await still.member("bob")
    made = await endpoint(still, ada, URL)
    path = f"/endpoints/{made['id']}"
    for _ in range(2):
        await call(still, ada, "PATCH", path, json={"description": "x"})
    for method, refused in (("PATCH", path), ("POST", f"{path}/rotate"), ("DELETE", path)):
        found = await answer(still, ada, method, refused, json={} if method != "DELETE" else None)
        assert (found.status_code, found.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(found.headers["Retry-After"]) <= 20
    await endpoint(still, bob, URL)
    await call(still, ada, "GET", path)


async def test_deliveries_are_listed_in_pages_and_by_what_they_are(still: Gateway) -> None:
    key = await still.member()
    made = await endpoint(still, key, "https://hooks.example/x")
    uuids = [await canceled(still, key) for _ in range(3)]
    first = await call(still, key, "GET", "/deliveries?limit=2")
    assert first["has_more"] is True
    rest = await call(
        still, key, "GET", "/deliveries", params={"limit": 2, "cursor": first["next_cursor"]}
    )
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    found = [each["generation_id"] for each in first["data"] + rest["data"]]
    assert found == uuids[::-1]
    about = await call(still, key, "GET", f"/deliveries?generation_id={uuids[0]}")
    assert [each["generation_id"] for each in about["data"]] == [uuids[0]]
    other_form = video_id(UUID(uuids[0]))
    assert await call(still, key, "GET", f"/deliveries?generation_id={other_form}") == about
    for query, count in ((f"endpoint_id={made['id']}", 3), (f"endpoint_id={uuid4()}", 0),
                         ("state=pending", 3), ("state=delivered", 0)):  # fmt: skip
        assert len((await call(still, key, "GET", f"/deliveries?{query}"))["data"]) == count
    assert (await answer(still, key, "GET", "/deliveries?state=odd")).status_code == 422


async def test_deleting_forgets_what_waits(still: Gateway) -> None:
    key = await still.member()
    made = await endpoint(still, key, "https://hooks.example/x")
    await canceled(still, key)
    await call(still, key, "DELETE", f"/endpoints/{made['id']}")
    assert await deliveries(still) == []


async def test_an_endpoint_that_is_deleted_while_a_video_ends_undoes_nothing(
    still: Gateway,
) -> None:
    """The move waits for the deletion and then tells nobody."""

    from app.db import webhook_endpoints
    from tests.worker.test_upkeep import until

    key = await still.member()
    made = await endpoint(still, key, "https://hooks.example/x")
    async with still.rt.db.begin() as tx:
        await webhook_endpoints.delete(tx, UUID(made["id"]))
        ending = asyncio.create_task(canceled(still, key))
        await until(still, "SELECT count(*) FROM pg_locks WHERE NOT granted")
    await ending
    assert await deliveries(still) == []
