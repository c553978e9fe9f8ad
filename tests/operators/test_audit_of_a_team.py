"""What administrators of a team read in the audit log, and how it leaves the gateway."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.db import api_keys
from app.db.audit import AuditLine, Wanted
from app.domain.authority import Actor
from app.domain.caller import Role
from app.members import members, teams
from app.operators import audit
from app.secrets import digest_of
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import execute, one

PATH = "/api/v1/admin/audit"


async def read(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    answer = await desk("GET", f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_a_lead_reads_what_is_about_the_own_team_also_under_another_name(
    still_gate: Gateway,
) -> None:
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    await still_gate.member("eve", team="rivals")
    root = await operator(still_gate)
    rt = still_gate.rt
    # The name goes to others, who then do something.
    await teams.rename_team(rt, TEAM, new_name="atelier", actor=TESTER)
    await teams.rename_team(rt, "rivals", new_name=TEAM, actor=TESTER)
    await members.rename_member(rt, TEAM, "eve", new_name="mallory", actor=TESTER)
    await root("POST", "/api/v1/admin/pauses/submission/pause", {"reason": "odd"})
    found = await read(lead)
    assert [line["action"] for line in found] == [
        "team.rename", "key.create", "member.create", "team.create",
    ]  # fmt: skip
    of = "SELECT id FROM teams WHERE name = :name"
    own_id = (await one(still_gate, of, name="atelier"))["id"]
    their_id = (await one(still_gate, of, name=TEAM))["id"]
    assert {line["team_id"] for line in found} == {str(own_id)}
    assert await read(lead, f"team_id={own_id}") == found
    for query in (f"team_id={their_id}", f"member={TEAM}/eve", "action=gateway"):
        assert await read(lead, query) == [], query
        assert await read(root, query) != [], query


async def test_a_lead_sees_no_address_and_no_key_of_others(still_gate: Gateway) -> None:
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    root = await operator(still_gate)
    team = (await one(still_gate, "SELECT id FROM teams WHERE name = :n", n=TEAM))["id"]
    for desk, name in ((root, "ada"), (lead, "bob")):
        made = await desk("POST", f"/api/v1/admin/teams/{team}/members", {"name": name})
        assert made.status_code == 201, made.text
    by_lead, by_root = await read(lead, "action=member.create&limit=2")
    assert (by_root["actor"], by_root["subject"]) == ("default/root", f"{TEAM}/ada")
    hidden = ("team", "member", "key_prefix", "address")
    assert [by_root[name] for name in hidden] == [None] * 4
    assert by_lead["address"] == "127.0.0.1"
    assert by_lead["key_prefix"].startswith("rg_")
    every = await read(root, "action=member.create&limit=2")
    assert {line["address"] for line in every} == {"127.0.0.1"}


async def test_a_lead_does_not_read_what_the_upstream_calls_a_generation(
    still_gate: Gateway,
) -> None:
    lead = await still_gate.member("lead", role=Role.ADMIN)
    async with still_gate.rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, digest_of(lead), now=None)
    assert caller is not None
    line = AuditLine(
        id=1, created_at=datetime.now(UTC), actor="default/root", action="unknown.resolve",
        subject="x", team_id=None, team="default", member="root", key_prefix="rg_x", address="::1",
        detail={"upstream_id": "canary", "reason": "found it"},
    )  # fmt: skip
    assert audit.fit_for(TESTER, line) == line
    shown = audit.fit_for(Actor.calling(caller, operator_team="default"), line)
    assert shown.detail == {"reason": "found it"}
    assert (shown.team, shown.member, shown.key_prefix, shown.address) == (None, None, None, None)


async def test_each_filter_leaves_what_it_names(still_gate: Gateway) -> None:
    await still_gate.member("ada")
    await still_gate.member("eve", team="rivals")
    root = await operator(still_gate)
    rivals = (await one(still_gate, "SELECT id FROM teams WHERE name = 'rivals'"))["id"]
    whole = await read(root, "limit=100")
    for query, matches in {
        "actor=test": lambda line: True,
        "actor=te": lambda line: False,
        f"team_id={rivals}": lambda line: line["subject"].startswith("rivals"),
        "subject=rivals/eve": lambda line: line["subject"] == "rivals/eve",
        "action=key": lambda line: line["action"] == "key.create",
        "action=key.create": lambda line: line["action"] == "key.create",
        "action=key.creat": lambda line: False,
        f"team_id={rivals}&action=team.create": lambda line: line["subject"] == "rivals",
    }.items():
        assert await read(root, query) == list(filter(matches, whole)), query


async def test_an_export_has_every_line_and_ends(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_BATCH", 3)
    for number in range(4):
        await still_gate.member(f"member-{number}")
    root = await operator(still_gate)
    listed = await read(root, "limit=100")
    assert len(listed) > 9
    answer = await root("GET", f"{PATH}/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "audit.ndjson" in answer.headers["content-disposition"]
    exported = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["id"] for line in exported] == [line["id"] for line in listed]
    assert exported[0].keys() == listed[0].keys()
    answer = await root("GET", f"{PATH}/export?format=csv&action=member")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [
        str(line["id"]) for line in listed if line["action"] == "member.create"
    ]
    # What is written while it is read does not lengthen it.
    seen = 0
    async for _ in audit.all_lines(still_gate.rt, Wanted(), actor=TESTER):
        seen += 1
        await execute(
            still_gate, "INSERT INTO audit_log (actor, action, subject) VALUES ('x', 'y', 'z')"
        )
    assert seen == len(listed)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x")']
)
def test_a_spreadsheet_calculates_nothing(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(audit.as_csv([[cell, 5, None]])))
    assert row == [f"'{cell}", "5", ""]


async def test_every_look_at_it_is_by_an_index(still_gate: Gateway) -> None:
    """So that none grows with the past."""
    await execute(
        still_gate,
        """
        INSERT INTO audit_log (created_at, actor, action, subject, team_id)
        SELECT now() - n * interval '1 minute', 'actor-' || n % 50, 'family-' || n % 20 || '.do',
               'subject-' || n % 500, gen_random_uuid()
          FROM generate_series(1, 20000) n
        """,
    )
    await execute(still_gate, "ANALYZE audit_log")
    rt, now = still_gate.rt, datetime.now(UTC)
    team = (await one(still_gate, "SELECT team_id FROM audit_log LIMIT 1"))["team_id"]
    for wanted in (
        Wanted(), Wanted(team_id=team), Wanted(actor="actor-1"), Wanted(subject="subject-1"),
        Wanted(action="family-1"), Wanted(action="family-1.do"), Wanted(member="actor-1"),
        Wanted(until=now), Wanted(since=now), Wanted(actor="nobody"), Wanted(action="none"),
    ):  # fmt: skip
        before = await _read_rows(still_gate)
        found = await audit.list_lines(rt, wanted, actor=TESTER, limit=20)
        assert len(found) <= 20
        assert await _read_rows(still_gate) - before <= 60, wanted


async def _read_rows(gate: Gateway) -> int:
    """How many lines were read from the log by any scan, as Postgres counts them."""
    await execute(gate, "SELECT pg_stat_force_next_flush()")
    row = await one(
        gate,
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS n FROM pg_stat_user_tables"
        " WHERE relname = 'audit_log'",
    )
    return int(row["n"])
