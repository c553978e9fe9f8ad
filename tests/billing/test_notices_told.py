"""Who hears of a notice: the member and its team's administrators, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from app.db import events, managed_deliveries, notices
from app.db.managed_deliveries import Wanted
from app.domain.accounts import Period
from app.domain.caller import Role
from app.domain.limits import Limits
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import execute, one
from tests.live.streams import Stream, serving
from tests.webhooks.receiving import Receiver, endpoint, receiving, verified, webhook_gateway

PRICE = 150_000
ASKED = ["budget.threshold"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def webhook_gate(
    database_url: str, tmp_path: Any, receiver: Receiver
) -> AsyncIterator[Gateway]:
    async with webhook_gateway(database_url, tmp_path, receiver) as gate:
        yield gate


async def team_of_three(gate: Gateway) -> tuple[str, str, str]:
    """Keys of ada, of bob, and of the team's administrator. The team and ada have little, and so
    has ada's key."""
    ada = await gate.member("ada", credit_limit=2 * PRICE)
    bob = await gate.member("bob")
    lead = await gate.member("lead", role=Role.ADMIN)
    await keys.limit_key(gate.rt, ada, credit_limit=4 * PRICE, actor=TESTER)
    await teams.change_team(gate.rt, TEAM, credit_limit=2 * PRICE, actor=TESTER)
    return ada, bob, lead


def said(notice: dict[str, Any]) -> tuple[str, int]:
    return notice["account"], notice["percent"]


async def heard(stream: Stream, count: int) -> list[dict[str, Any]]:
    """The next so many notices of a stream."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        (sent,) = await stream.events(1)
        if sent.event == "budget.threshold":
            assert "generation" not in sent.data
            found.append(sent.data["notice"])
    return found


async def test_streams_tell_members_their_own_and_administrators_all(still_gate: Gateway) -> None:
    ada, bob, lead = await team_of_three(still_gate)
    async with (
        serving(still_gate.rt) as client,
        client.stream("/api/v1/events", ada) as of_ada,
        client.stream("/api/v1/events", bob) as of_bob,
        client.stream("/api/v1/events?team=true", lead) as of_team,
    ):
        for stream in (of_ada, of_bob, of_team):
            await stream.next()
        assert (await still_gate.create(ada)).status_code == 202
        (own,) = await heard(of_ada, 1)
        assert said(own) == ("member", 50)
        assert [said(each) for each in await heard(of_team, 2)] == [("member", 50), ("team", 50)]
        # The next that bob hears is his own.
        assert (await still_gate.create(bob)).status_code == 202
        (first,) = await of_bob.events(1)
        assert first.event == "generation.queued"
        assert [said(each) for each in await heard(of_team, 3)] == [
            ("team", 80), ("team", 90), ("team", 100)
        ]  # fmt: skip
        last_id = of_team.last_id
        # Whoever comes back gets what it missed: two creates, and five notices.
        async with client.stream("/api/v1/events?team=true&last_event_id=0", lead) as again:
            assert [each.event for each in await again.events(7)] == [
                "generation.queued", "budget.threshold", "budget.threshold",
                "generation.queued", *["budget.threshold"] * 3,
            ]  # fmt: skip
            assert again.last_id == last_id
    assert own["object"] == "budget_notice"
    assert own["member"]["name"] == "ada"
    assert own["team"]["name"] == TEAM
    assert own["key"] is None
    assert (own["credit_limit"], own["used_credits"], own["remaining_credits"]) == (
        2 * PRICE, PRICE, PRICE
    )  # fmt: skip
    assert (own["period"], own["time_zone"], own["resets_at"]) == ("none", "UTC", None)


async def test_webhooks_tell_those_who_ask(webhook_gate: Gateway, receiver: Receiver) -> None:
    gate = webhook_gate
    ada, bob, lead = await team_of_three(gate)
    own = await endpoint(gate, ada, receiver.url, event_types=ASKED)
    await endpoint(gate, bob, receiver.url, event_types=ASKED)
    await endpoint(gate, lead, receiver.url, event_types=ASKED)
    await endpoint(gate, lead, receiver.url, team_wide=True)
    whole = await endpoint(gate, lead, receiver.url, event_types=ASKED, team_wide=True)
    openai = await endpoint(
        gate, lead, receiver.url, event_types=ASKED, team_wide=True, format="openai"
    )
    stranger = await gate.member("eve", team="others", role=Role.ADMIN)
    await endpoint(gate, stranger, receiver.url, event_types=ASKED, team_wide=True)
    assert (await gate.create(ada)).status_code == 202
    requests = await receiver.until(6)
    found: dict[str, list[tuple[str, int]]] = {}
    for request in requests:
        for name, made in (("own", own), ("whole", whole), ("openai", openai)):
            try:
                body = verified(request, made["secret"])
            except WebhookVerificationError:
                continue
            if body["type"] == "budget.threshold":
                found.setdefault(name, []).append(said(body["data"]))
                assert body["data"]["object"] == "budget_notice"
                assert ("object" in body) is (name == "openai")
    both = [("member", 50), ("team", 50)]
    assert {name: sorted(each) for name, each in found.items()} == {
        "own": [("member", 50)], "whole": both, "openai": both,
    }  # fmt: skip


async def test_deliveries_are_listed_resent_and_are_no_tests(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    gate = webhook_gate
    ada, _, lead = await team_of_three(gate)
    made = await endpoint(gate, lead, receiver.url, event_types=ASKED, team_wide=True)
    assert (await gate.create(ada)).status_code == 202
    first = await receiver.until(2)
    headers = {"API-KEY": lead}
    listed = (await gate.http.get("/api/v1/webhooks/deliveries", headers=headers)).json()["data"]
    assert [(each["type"], each["generation_id"]) for each in listed] == [
        ("budget.threshold", None)
    ] * 2  # fmt: skip
    of_ada = await gate.http.get("/api/v1/webhooks/deliveries", headers={"API-KEY": ada})
    assert of_ada.json()["data"] == []
    # The event is pruned before its delivery is sent again.
    await execute(gate, "DELETE FROM events WHERE generation_id IS NULL")
    again = await gate.http.post(
        f"/api/v1/webhooks/deliveries/{listed[0]['id']}/resend", headers=headers
    )
    assert again.status_code == 202
    sent = (await receiver.until(3))[2]
    (same,) = [e for e in first if e.headers["webhook-id"] == sent.headers["webhook-id"]]
    assert verified(sent, made["secret"])["data"] == verified(same, made["secret"])["data"]
    # They fail, and are no tests: an administrator sends all that failed again.
    await execute(gate, "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL")
    team = (await one(gate, "SELECT id FROM teams WHERE name = :name", name=TEAM))["id"]
    async with gate.rt.db.begin() as tx:
        begun = await managed_deliveries.begin_failed_again(
            tx, Wanted(team_id=team), after=None, now=None, limit=9
        )
    assert len(begun) == 2
    await receiver.until(5)


async def test_the_list_has_the_present_period_of_whom_one_may_see(still_gate: Gateway) -> None:
    gate = still_gate
    ada, bob, lead = await team_of_three(gate)
    assert (await gate.create(ada)).status_code == 202

    async def listed(key: str, query: str = "") -> list[tuple[str, int]]:
        answer = await gate.http.get(f"/api/v1/notices{query}", headers={"API-KEY": key})
        assert answer.status_code == 200, answer.text
        return [said(each) for each in answer.json()["data"]]

    assert await listed(ada) == [("member", 50)]
    assert await listed(bob) == await listed(lead) == []
    assert sorted(await listed(lead, "?team=true")) == [("member", 50), ("team", 50)]
    stranger = await gate.member("eve", team="others", role=Role.ADMIN)
    assert await listed(stranger, "?team=true") == []
    refused = await gate.http.get("/api/v1/notices?team=true", headers={"API-KEY": ada})
    assert refused.status_code == 403
    # Page by page.
    page = (
        await gate.http.get("/api/v1/notices?team=true&limit=1", headers={"API-KEY": lead})
    ).json()
    assert page["has_more"]
    following = await listed(lead, f"?team=true&cursor={page['next_cursor']}")
    assert sorted([said(page["data"][0]), *following]) == [("member", 50), ("team", 50)]
    # An account that changes its period has other notices.
    limits = Limits(credit_limit=10 * PRICE, credit_period=Period.DAY)
    await members.change_member(gate.rt, TEAM, "ada", limits=limits, actor=TESTER)
    assert await listed(ada) == []


async def test_old_ones_are_pruned_with_their_events(still_gate: Gateway) -> None:
    gate = still_gate
    ada = await gate.member("ada", credit_limit=PRICE, credit_period=Period.MONTH)
    bob = await gate.member("bob", credit_limit=PRICE)
    for key in (ada, bob):
        assert (await gate.create(key)).status_code == 202

    async def left() -> dict[str, Any]:
        async with gate.rt.db.begin() as tx:
            await notices.prune(tx, days=90)
            await events.prune(tx, days=90, states=[])
        return await one(
            gate,
            "SELECT (SELECT count(*) FROM notices) AS notices,"
            " (SELECT count(*) FROM events) AS events",
        )

    assert await left() == {"notices": 8, "events": 10}
    await execute(
        gate, "UPDATE notices SET created_at = created_at - interval '99 days',"
        " data = jsonb_set(data, '{account,resets_at}', to_jsonb(now() - interval '89 days'))"
    )  # fmt: skip
    assert await left() == {"notices": 8, "events": 10}
    await execute(
        gate, "UPDATE notices SET"
        " data = jsonb_set(data, '{account,resets_at}', to_jsonb(now() - interval '91 days'));"
        " UPDATE events SET created_at = created_at - interval '99 days'"
    )  # fmt: skip
    # Of an account without periods they stay, and events of open generations.
    assert await left() == {"notices": 4, "events": 2}


async def test_an_endpoint_that_is_deleted_meanwhile_undoes_nothing(still_gate: Gateway) -> None:
    gate = still_gate
    ada = await gate.member("ada", credit_limit=100 * PRICE, max_open=100, rate_burst=100)
    made = [await endpoint(gate, ada, "https://example.com/x", event_types=ASKED) for _ in range(5)]

    async def delete(one_of_them: dict[str, Any]) -> int:
        answer = await gate.http.delete(
            f"/api/v1/webhooks/endpoints/{one_of_them['id']}", headers={"API-KEY": ada}
        )
        return answer.status_code

    async def lower(percent: int) -> None:
        limits = Limits(credit_limit=PRICE * 100 // percent)
        await members.change_member(gate.rt, TEAM, "ada", limits=limits, actor=TESTER)

    assert (await gate.create(ada)).status_code == 202
    answers = await asyncio.gather(
        *(delete(each) for each in made), *(lower(percent) for percent in (50, 80, 90))
    )
    assert answers[:5] == [204] * 5
    assert await one(gate, "SELECT count(*) AS left FROM webhook_deliveries") == {"left": 0}
