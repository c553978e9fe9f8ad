"""Webhook endpoints and deliveries of a team, as those who manage it see and change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.caller import Role
from tests.api.desk import Desk, operator
from tests.harness.gateway import TEAM, Gateway
from tests.harness.rows import an_endpoint, failed_delivery, queued_one
from tests.harness.traces import execute, one

ADMIN = "/api/v1/admin"
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Furnished:
    team: UUID
    member: UUID
    generation: UUID
    endpoint: UUID
    lead: Desk

    @property
    def hooks(self) -> str:
        return f"{ADMIN}/teams/{self.team}/webhooks"

    async def failed(self, gate: Gateway, *, hour: int, endpoint: UUID | None = None) -> UUID:
        return await failed_delivery(
            gate, self.generation, team_id=self.team, member_id=self.member,
            endpoint_id=endpoint or self.endpoint, created_at=BEGAN + timedelta(hours=hour),
        )  # fmt: skip


@pytest.fixture
async def furnished(still_gate: Gateway) -> Furnished:
    await still_gate.member("ada")
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    ada = await one(
        still_gate,
        "SELECT m.id, m.team_id, k.id AS key FROM members m JOIN api_keys k ON k.member_id = m.id"
        " WHERE m.name = 'ada'",
    )
    generation = await queued_one(
        still_gate, team_id=ada["team_id"], member_id=ada["id"], key_id=ada["key"]
    )
    endpoint = await an_endpoint(still_gate, team_id=ada["team_id"], member_id=ada["id"])
    return Furnished(ada["team_id"], ada["id"], generation, endpoint, lead)


async def ids(desk: Desk, path: str) -> list[str]:
    answer = await desk("GET", path)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def pending(gate: Gateway) -> int:
    row = await one(gate, "SELECT count(*) AS n FROM webhook_deliveries WHERE state = 'pending'")
    return int(row["n"])


async def test_endpoints_of_the_team_and_its_members_without_their_passwords(
    still_gate: Gateway, furnished: Furnished
) -> None:
    wide = await an_endpoint(still_gate, team_id=furnished.team, member_id=None)
    path = f"{furnished.hooks}/endpoints"
    found = await furnished.lead("GET", path)
    listed = found.json()["data"]
    assert [(each["id"], each["member_id"], each["team_wide"]) for each in listed] == [
        (str(furnished.endpoint), str(furnished.member), False), (str(wide), None, True),
    ]  # fmt: skip
    assert listed[0]["url"] == "https://127.0.0.1/hook"
    assert "canary" not in found.text
    first = (await furnished.lead("GET", f"{path}?limit=1")).json()
    assert await ids(furnished.lead, f"{path}?cursor={first['next_cursor']}") == [str(wide)]


async def test_an_endpoint_is_disabled_for_a_reason_and_enabled_again(
    still_gate: Gateway, furnished: Furnished
) -> None:
    path = f"{ADMIN}/webhooks/endpoints/{furnished.endpoint}"
    assert (await furnished.lead("POST", f"{path}/disable", {})).status_code == 422
    done = await furnished.lead("POST", f"{path}/disable", {"reason": "answers nobody"})
    assert (done.json()["enabled"], done.json()["disabled_reason"]) == (False, "operator")
    again = await furnished.lead("POST", f"{path}/disable", {"reason": "answers nobody"})
    assert (again.status_code, "disabled already" in again.text) == (422, True)
    delivery = await furnished.failed(still_gate, hour=0)
    for refused in (
        await furnished.lead("POST", f"{ADMIN}/webhooks/deliveries/{delivery}/resend"),
        await furnished.lead(
            "POST", f"{furnished.hooks}/resend", {"endpoint_id": str(furnished.endpoint)}
        ),
    ):
        assert (refused.status_code, "is disabled" in refused.text) == (422, True)
    # Beside others, it is left out.
    batch = await furnished.lead("POST", f"{furnished.hooks}/resend", {})
    assert (batch.status_code, batch.json()["count"]) == (202, 0)
    done = await furnished.lead("POST", f"{path}/enable", {"reason": "it is mended"})
    assert (done.json()["enabled"], done.json()["disabled_reason"]) == (True, None)
    lines = await one(
        still_gate,
        "SELECT array_agg(action || ': ' || (detail ->> 'reason') ORDER BY id) AS said"
        " FROM audit_log WHERE action LIKE 'webhook.%able'",
    )
    assert lines["said"] == ["webhook.disable: answers nobody", "webhook.enable: it is mended"]


async def test_deliveries_are_listed_and_one_is_shown_without_what_was_sent(
    still_gate: Gateway, furnished: Furnished
) -> None:
    other = await an_endpoint(still_gate, team_id=furnished.team, member_id=None)
    made = [await furnished.failed(still_gate, hour=hour) for hour in range(3)]
    made.append(await furnished.failed(still_gate, hour=3, endpoint=other))
    await execute(
        still_gate, "UPDATE webhook_deliveries SET state = 'delivered' WHERE id = :id", id=made[0]
    )
    newest = [str(each) for each in made[::-1]]
    path = f"{furnished.hooks}/deliveries"
    assert await ids(furnished.lead, path) == newest
    for query, wanted in {
        "state=failed": newest[:3],
        "state=delivered": newest[3:],
        f"endpoint_id={other}": newest[:1],
        "since=2026-03-01T02:00:00Z": newest[:2],
        "until=2026-03-01T02:00:00Z": newest[2:],
        "state=failed&since=2026-03-01T02:00:00Z&until=2026-03-01T03:00:00Z": newest[1:2],
    }.items():
        assert await ids(furnished.lead, f"{path}?{query}") == wanted, query
    page = (await furnished.lead("GET", f"{path}?limit=3")).json()
    assert await ids(furnished.lead, f"{path}?cursor={page['next_cursor']}") == newest[3:]
    shown = await furnished.lead("GET", f"{ADMIN}/webhooks/deliveries/{made[1]}")
    assert shown.json()["attempts"][0]["status"] == 500
    assert "canary" not in shown.text


async def test_one_is_sent_again(still_gate: Gateway, furnished: Furnished) -> None:
    delivery = await furnished.failed(still_gate, hour=0)
    done = await furnished.lead("POST", f"{ADMIN}/webhooks/deliveries/{delivery}/resend")
    assert (done.status_code, done.json()["state"]) == (202, "pending")
    jobs = "SELECT count(*) AS n FROM procrastinate_jobs WHERE queueing_lock = :lock"
    assert await one(still_gate, jobs, lock=f"deliver:{delivery}") == {"n": 1}


async def test_all_since_an_instant_are_sent_again_in_batches(
    still_gate: Gateway, furnished: Furnished
) -> None:
    early = await furnished.failed(still_gate, hour=0)
    made = [await furnished.failed(still_gate, hour=hour) for hour in range(1, 6)]
    # A test is no news, and what was delivered is no failure.
    await execute(
        still_gate, "UPDATE webhook_deliveries SET generation_id = NULL WHERE id = :id", id=made[1]
    )
    await execute(
        still_gate, "UPDATE webhook_deliveries SET state = 'delivered' WHERE id = :id", id=made[3]
    )
    body: dict[str, Any] = {"since": "2026-03-01T01:00:00Z", "limit": 2, "reason": "it was down"}
    counts, root = [], await operator(still_gate)
    while True:
        batch = await root("POST", f"{furnished.hooks}/resend", body)
        assert batch.status_code == 202, batch.text
        counts.append(batch.json()["count"])
        assert await pending(still_gate) == sum(counts)
        body["cursor"] = batch.json()["next_cursor"]
        if body["cursor"] is None:
            break
    assert counts == [2, 1]
    states = await one(
        still_gate,
        "SELECT array_agg(state ORDER BY created_at) AS states FROM webhook_deliveries",
    )
    assert states["states"] == ["failed", "pending", "failed", "pending", "delivered", "pending"]
    jobs = await one(
        still_gate, "SELECT count(*) AS n FROM procrastinate_jobs WHERE queue_name = 'deliver'"
    )
    assert jobs == {"n": 3}
    lines = await one(
        still_gate,
        "SELECT array_agg(detail ORDER BY id) AS said, min(subject) AS subject"
        " FROM audit_log WHERE action = 'webhook.resend'",
    )
    assert lines["said"] == [{"deliveries": n, "reason": "it was down"} for n in counts]
    assert lines["subject"] == f"failed deliveries of {TEAM}"
    # The one before that instant is sent when nothing is left out.
    assert str(early) in await ids(root, f"{furnished.hooks}/deliveries?state=failed")


async def test_an_endpoint_of_another_team_is_unknown_to_this_one(
    still_gate: Gateway, furnished: Furnished
) -> None:
    await still_gate.member("eve", team="rivals")
    rivals = await one(still_gate, "SELECT id FROM teams WHERE name = 'rivals'")
    theirs = await an_endpoint(still_gate, team_id=rivals["id"], member_id=None)
    for desk in (furnished.lead, await operator(still_gate)):
        refused = await desk("POST", f"{furnished.hooks}/resend", {"endpoint_id": str(theirs)})
        assert refused.status_code == 404
        assert await ids(desk, f"{furnished.hooks}/deliveries?endpoint_id={theirs}") == []


async def test_operators_see_everybodys_and_leads_those_of_their_team(
    still_gate: Gateway, furnished: Furnished
) -> None:
    await still_gate.member("eve", team="rivals")
    eve = await one(
        still_gate,
        "SELECT m.id, m.team_id, k.id AS key FROM members m JOIN api_keys k ON k.member_id = m.id"
        " WHERE m.name = 'eve'",
    )
    theirs = await an_endpoint(still_gate, team_id=eve["team_id"], member_id=None)
    about = await queued_one(
        still_gate, team_id=eve["team_id"], member_id=eve["id"], key_id=eve["key"]
    )
    ours = [await furnished.failed(still_gate, hour=hour) for hour in (0, 2)]
    of_eve = await failed_delivery(
        still_gate, about, team_id=eve["team_id"], member_id=eve["id"], endpoint_id=None,
        created_at=BEGAN + timedelta(hours=1),
    )  # fmt: skip
    root, newest = await operator(still_gate), [str(ours[1]), str(of_eve), str(ours[0])]
    path = f"{ADMIN}/webhooks/deliveries"
    for query, wanted in {
        "": newest, "state=failed": newest, "state=pending": [],
        f"team_id={eve['team_id']}": newest[1:2],
        f"generation_id={about}": newest[1:2],
        f"endpoint_id={furnished.endpoint}": [newest[0], newest[2]],
        "since=2026-03-01T01:00:00Z&until=2026-03-01T02:00:00Z": newest[1:2],
    }.items():  # fmt: skip
        assert await ids(root, f"{path}?{query}") == wanted, query
    for query in ("state=failed", ""):
        page = (await root("GET", f"{path}?{query}&limit=2")).json()
        assert await ids(root, f"{path}?{query}&cursor={page['next_cursor']}") == newest[2:]
    assert await ids(furnished.lead, path) == [newest[0], newest[2]]
    assert await ids(furnished.lead, f"{path}?generation_id={about}") == []
    shown = (await root("GET", path)).json()["data"]
    assert [(each["team"], each["member"], each["url"]) for each in shown[:2]] == [
        (TEAM, "ada", "https://127.0.0.1/hook"), ("rivals", "eve", None),
    ]  # fmt: skip
    path = f"{ADMIN}/webhooks/endpoints"
    assert await ids(root, path) == [str(furnished.endpoint), str(theirs)]
    assert await ids(furnished.lead, path) == [str(furnished.endpoint)]
    await execute(
        still_gate, "UPDATE webhook_endpoints SET state = 'disabled' WHERE id = :id", id=theirs
    )
    assert await ids(root, f"{path}?enabled=false") == [str(theirs)]
    assert await ids(root, f"{path}?enabled=true") == [str(furnished.endpoint)]


async def test_a_delivery_about_the_credits_of_the_team_is_nobodys(
    still_gate: Gateway, furnished: Furnished
) -> None:
    delivery = await furnished.failed(still_gate, hour=0)
    await execute(
        still_gate,
        "UPDATE webhook_deliveries SET member_id = NULL, generation_id = NULL, data = '{}',"
        " type = 'budget.threshold' WHERE id = :id",
        id=delivery,
    )
    listed = await furnished.lead("GET", f"{furnished.hooks}/deliveries")
    assert [each["member_id"] for each in listed.json()["data"]] == [None]
    again = await furnished.lead("POST", f"{ADMIN}/webhooks/deliveries/{delivery}/resend")
    assert (again.status_code, again.json()["member_id"]) == (202, None)
