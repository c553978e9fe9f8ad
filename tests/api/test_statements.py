"""Statements over the API: who closes and reads them, and that JSON and CSV say the same."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.domain.caller import Role
from app.members import members
from tests.api.desk import Desk, operator
from tests.billing.test_corrections import correct, ended
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute
from tests.worker.test_submissions import created

PRICE = 150_000
MARCH = {"month": "2026-03"}


@pytest.fixture
async def march(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    """In the middle of March."""
    clock = HandClock()
    clock.at = datetime(2026, 3, 15, tzinfo=UTC)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def team_of(desk: Desk) -> str:
    me = (await desk("GET", "/api/v1/me")).json()
    return f"/api/v1/admin/teams/{me['team']['id']}/statements"


async def test_a_month_is_closed_and_read(march: tuple[Gateway, HandClock]) -> None:
    gate, clock = march
    ada = await gate.member()
    eve = await gate.member("=HYPERLINK(1)")
    lead = Desk(gate, await gate.member("lead", role=Role.ADMIN))
    root = await operator(gate)
    path = await team_of(lead)
    ids = [
        await ended(gate, key, billed=credits_, Reelgate_Metadata='{"cost_centre": "4711"}')
        for key, credits_ in ((ada, 7), (eve, 5))
    ]
    await correct(gate.rt, ids[0], 4)
    open_, unknown = await created(gate, ada), await created(gate, eve)
    await execute(gate, f"UPDATE generations SET state = 'unknown' WHERE id = '{unknown}'")

    early = await root("POST", path, MARCH)
    assert early.status_code == 422
    assert "has not ended in UTC; got 2026-03" in early.json()["detail"]
    clock.at += timedelta(days=30)
    assert (await lead("POST", path, MARCH)).status_code == 403
    closed = await root("POST", path, {**MARCH, "reason": "the invoice"})
    assert closed.status_code == 201, closed.text
    statement = closed.json()
    again = await root("POST", path, MARCH)
    assert (again.status_code, again.json()) == (200, statement)
    assert {name: statement[name] for name in (
        "month", "lines", "credits", "earlier_credits", "unknown_generations", "unknown_credits",
        "open_generations", "open_credits", "time_zone", "actor",
    )} == {
        "month": "2026-03", "lines": 3, "credits": 9, "earlier_credits": 0,
        "unknown_generations": 1, "unknown_credits": PRICE, "open_generations": 1,
        "open_credits": PRICE, "time_zone": "UTC", "actor": "default/root",
    }  # fmt: skip

    await members.rename_member(gate.rt, TEAM, "ada", new_name="grace", actor=TESTER)
    month = f"{path}/2026-03"
    assert (await lead("GET", month)).json() == statement
    assert (await lead("GET", path)).json()["data"] == [statement]
    first = (await lead("GET", f"{month}/lines?limit=2")).json()
    rest = (await lead("GET", f"{month}/lines?cursor={first['next_cursor']}")).json()
    lines = first["data"] + rest["data"]
    assert [(x["kind"], x["member"], x["credits"], x["held_credits"]) for x in lines] == [
        ("settle", "ada", 7, 0), ("settle", "=HYPERLINK(1)", 5, 0), ("correct", "ada", -3, 0),
        ("open", "ada", 0, PRICE), ("unknown", "=HYPERLINK(1)", 0, PRICE),
    ]  # fmt: skip
    assert (await lead("GET", f"{month}/lines?kind=unknown")).json()["data"] == lines[-1:]
    assert [x["generation_id"] for x in lines[3:]] == [open_, unknown]

    text = await lead("GET", f"{month}/csv")
    assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert text.headers["ETag"] == f'"{statement["csv_sha256"]}"'
    assert hashlib.sha256(text.content).hexdigest() == statement["csv_sha256"]
    assert len(text.content) == statement["csv_bytes"] == int(text.headers["Content-Length"])
    rows = list(csv.DictReader(io.StringIO(text.text, newline="")))
    assert sum(int(row["credits"]) for row in rows) == statement["credits"]
    assert sum(int(row["held_credits"]) for row in rows) == 2 * PRICE
    assert [row["generation_id"] for row in rows] == [x["generation_id"] for x in lines]
    assert rows[1]["member"] == "'=HYPERLINK(1)"
    assert {(row["month"], row["model"]) for row in rows} == {("2026-03", "ray-v3")}
    assert [row["tags"] for row in rows] == ['{"cost_centre":"4711"}'] * 3 + ["", ""]

    totals = (await lead("GET", f"{month}/totals?by=tag&tag=cost_centre")).json()["data"]
    assert [(x["value"], x["credits"], x["held_credits"]) for x in totals] == [
        ("4711", 9, 0), (None, 0, 2 * PRICE),
    ]  # fmt: skip
    one = (await lead("GET", f"{month}/totals?by=member&limit=1")).json()
    assert (one["data"][0]["value"], one["next_cursor"]) == ("=HYPERLINK(1)", "1")
    two = (await lead("GET", f"{month}/totals?by=member&limit=1&cursor=1")).json()
    assert (two["data"][0]["value"], two["has_more"]) == ("ada", False)

    for wrong, field in (("?by=tag", "tag"), ("?by=shoe", "by"), ("?by=model&cursor=x", "cursor")):
        refused = await lead("GET", f"{month}/totals{wrong}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    for bad in ("2026-13", "26-03", "0000-01"):
        assert (await root("POST", path, {"month": bad})).status_code == 422
        assert (await lead("GET", f"{path}/{bad}")).status_code == 422
    assert (await lead("GET", f"{path}/2026-04")).status_code == 404
    (line,) = (await root("GET", "/api/v1/admin/audit?action=statement.close")).json()["data"]
    assert (line["subject"], line["detail"]) == (
        TEAM,
        {"month": "2026-03", "credits": 9, "lines": 3, "sha256": statement["csv_sha256"],
         "reason": "the invoice"},
    )  # fmt: skip


async def test_a_later_end_is_in_the_next_statement(march: tuple[Gateway, HandClock]) -> None:
    gate, clock = march
    key, root = await gate.member(), await operator(gate)
    path = await team_of(Desk(gate, key))
    found = await ended(gate, key, billed=7)
    clock.at = datetime(2026, 4, 2, tzinfo=UTC)
    assert (await root("POST", path, MARCH)).json()["credits"] == 7
    await correct(gate.rt, UUID(str(found)), 0)
    await ended(gate, key, billed=1)
    clock.at = datetime(2026, 5, 1, tzinfo=UTC)
    april = (await root("POST", path, {"month": "2026-04"})).json()
    assert (april["credits"], april["earlier_credits"], april["lines"]) == (-6, -7, 2)
    months = (await root("GET", f"{path}/2026-04/totals?by=month")).json()["data"]
    assert [(x["value"], x["credits"]) for x in months] == [("2026-04", 1), ("2026-03", -7)]
    listed = (await root("GET", f"{path}?limit=1")).json()
    assert (listed["data"][0]["month"], listed["next_cursor"]) == ("2026-03", "2026-03")
    listed = (await root("GET", f"{path}?cursor=2026-03")).json()
    assert (listed["data"], listed["has_more"]) == ([april], False)
