"""What those who manage see first."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db import sign_in_requests
from app.domain.caller import Role
from app.domain.issuers import Person
from tests.api.desk import Desk, operator
from tests.harness.gateway import TEAM, Gateway
from tests.harness.rows import an_endpoint, queued_one
from tests.harness.traces import execute, one
from tests.worker.test_submissions import PRICE, created

PATH = "/api/v1/admin/overview"


async def overview(desk: Desk) -> dict[str, Any]:
    answer = await desk("GET", PATH)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def lead(gate: Gateway, team: str = TEAM) -> Desk:
    return Desk(gate, await gate.member("lead", team=team, role=Role.ADMIN))


async def waiting_one(gate: Gateway, name: str, *, seconds: float) -> UUID:
    row = await one(
        gate,
        "SELECT m.id, m.team_id, k.id AS key FROM members m JOIN api_keys k ON k.member_id = m.id"
        " WHERE m.name = :name",
        name=name,
    )
    found = await queued_one(gate, team_id=row["team_id"], member_id=row["id"], key_id=row["key"])
    await execute(
        gate,
        "UPDATE generations SET created_at = created_at - make_interval(secs => :s) WHERE id = :id",
        id=found, s=seconds,
    )  # fmt: skip
    return found


async def test_nothing_is_nothing(still_gate: Gateway) -> None:
    found = await overview(await operator(still_gate))
    none = {"count": 0, "oldest_seconds": 0.0}
    assert found["in_flight"] == dict.fromkeys(("queued", "submitting", "running", "unknown"), none)
    assert found["today"] == {
        "succeeded": 0, "failed": 0, "canceled": 0, "failure_rate": None, "settled_credits": 0,
    }  # fmt: skip
    assert (found["took"], found["archive"]["endangered"]) == ([], [])
    assert found["waiting"] == {
        "sign_in_requests": 0, "credit_requests": 0, "failing_endpoints": 0,
        "disabled_endpoints": 0,
    }  # fmt: skip
    assert found["upstream"]["remaining_credits"] is None
    assert [each["paused"] for each in found["pauses"]] == [False, False]
    assert found["drain"] == {
        "admission_paused": False, "submission_paused": False, "queued": 0, "submitting": 0,
        "running": 0, "archiving": 0, "drained": False,
    }  # fmt: skip


async def test_what_is_in_flight_of_everybody_and_of_a_team(still_gate: Gateway) -> None:
    await still_gate.member("ada")
    await still_gate.member("eve", team="rivals")
    await waiting_one(still_gate, "ada", seconds=60)
    await waiting_one(still_gate, "eve", seconds=600)
    everybody = await overview(await operator(still_gate))
    assert everybody["in_flight"]["queued"]["count"] == 2
    assert everybody["in_flight"]["queued"]["oldest_seconds"] == pytest.approx(600, abs=60)
    of_team = await overview(await lead(still_gate))
    assert of_team["in_flight"]["queued"]["count"] == 1
    assert of_team["in_flight"]["queued"]["oldest_seconds"] == pytest.approx(60, abs=50)
    assert (of_team["upstream"], of_team["pauses"], of_team["drain"]) == (None, None, None)
    assert of_team["waiting"]["sign_in_requests"] is None


async def test_a_drain_ends_when_nothing_goes_on_and_nothing_more_comes(
    still_gate: Gateway,
) -> None:
    root = await operator(still_gate)
    await still_gate.member("ada")

    async def drain() -> dict[str, Any]:
        found: dict[str, Any] = (await overview(root))["drain"]
        return found

    await root("POST", "/api/v1/admin/pauses/admission/pause", {"reason": "a new database"})
    early = await drain()
    # A create that was decided before the pause may still commit.
    assert (early["admission_paused"], early["drained"]) == (True, False)
    await execute(still_gate, "UPDATE pauses SET changed_at = changed_at - interval '1 minute'")
    assert (await drain())["drained"] is True
    video = await waiting_one(still_gate, "ada", seconds=60)
    counts = ("queued", "submitting", "running", "archiving")
    for state in counts[:3]:
        await execute(
            still_gate,
            "UPDATE generations SET state = :s, upstream_id = 'made-up' WHERE id = :id",
            s=state, id=video,
        )  # fmt: skip
        found = await drain()
        assert {name: found[name] for name in counts} == {**dict.fromkeys(counts, 0), state: 1}
        assert found["drained"] is False
    await execute(still_gate, "UPDATE generations SET state = 'unknown' WHERE id = :id", id=video)
    assert (await drain())["drained"] is True
    await root("POST", "/api/v1/admin/pauses/admission/resume", {"reason": "it is there"})
    assert (await drain())["drained"] is False


async def test_how_it_went_today(gate: Gateway) -> None:
    ada, eve = await gate.member("ada"), await gate.member("eve", team="rivals")
    await gate.archived(await created(gate, ada, "a wave"))
    await gate.simulator.fault("fail_later")
    await gate.closed(await created(gate, eve, "a lake"))
    everybody = await overview(await operator(gate))
    assert everybody["today"]["succeeded"] == 1
    assert everybody["today"]["failed"] == 1
    assert everybody["today"]["failure_rate"] == 0.5
    assert everybody["today"] == everybody["week"]
    of_team = (await overview(await lead(gate)))["today"]
    assert (of_team["failure_rate"], of_team["settled_credits"]) == (0.0, PRICE)
    (took,) = everybody["took"]
    assert took["samples"] == 1
    assert 0 <= took["p50_seconds"] <= took["p90_seconds"]
    assert took["waited_p90_seconds"] >= 0


async def test_videos_in_danger_come_by_the_end_of_their_links(gate: Gateway) -> None:
    ada = await gate.member("ada")
    made = [await created(gate, ada, f"wave {number}") for number in range(3)]
    for each in made:
        await gate.archived(each)
    # What is not archived would be, meanwhile.
    await gate.stop_workers()
    # The second one's link ends first; the third is archived.
    for each, hours in ((made[0], 50), (made[1], 5)):
        await execute(
            gate,
            "UPDATE assets SET state = 'pending', attempts = 3, archived_at = NULL,"
            " source_expires_at = now() + make_interval(hours => :hours)"
            " WHERE generation_id = :id AND kind = 'video'",
            id=UUID(each), hours=hours,
        )  # fmt: skip
    everybody = await overview(await operator(gate))
    archive = everybody["archive"]
    assert everybody["drain"]["archiving"] == 2
    assert [each["generation_id"] for each in archive["endangered"]] == [made[1], made[0]]
    assert archive["endangered"][0]["attempt_count"] == 3
    assert (archive["endangered"][0]["team"], archive["endangered"][0]["member"]) == (TEAM, "ada")
    assert archive["pending"]["count"] == 2
    of_others = (await overview(await lead(gate, "rivals")))["archive"]
    assert (of_others["endangered"], of_others["pending"]["count"]) == ([], 0)


async def test_who_waits_for_a_person(still_gate: Gateway) -> None:
    await still_gate.member("ada")
    team = await one(still_gate, "SELECT id FROM teams WHERE name = :name", name=TEAM)
    async with still_gate.rt.db.begin() as tx:
        await sign_in_requests.ask(
            tx, uuid4(), Person(issuer="https://id.example", subject="1", name="grace")
        )
    endpoint = await an_endpoint(still_gate, team_id=team["id"], member_id=None)
    await execute(
        still_gate,
        "UPDATE webhook_endpoints SET state = 'disabled', disabled_reason = 'gone' WHERE id = :id",
        id=endpoint,
    )
    for minutes in (50, 70):
        failing = await an_endpoint(still_gate, team_id=team["id"], member_id=None)
        await execute(
            still_gate,
            "UPDATE webhook_endpoints SET failing_since = now() - make_interval(mins => :minutes)"
            " WHERE id = :id",
            id=failing, minutes=minutes,
        )  # fmt: skip
    waits = (await overview(await operator(still_gate)))["waiting"]
    assert (waits["sign_in_requests"], waits["disabled_endpoints"]) == (1, 1)
    assert waits["failing_endpoints"] == 1
    waits = (await overview(await lead(still_gate, "rivals")))["waiting"]
    assert (waits["sign_in_requests"], waits["disabled_endpoints"]) == (None, 0)
