"""Corrections: entries of the ledger that change what an ended generation has cost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.billing import accounts, corrections
from app.db import ledger
from app.db.faults import Conflict
from app.db.ledger import Correction
from app.domain.accounts import Period
from app.domain.caller import Role
from app.domain.generation import FailureCode
from app.errors import InvalidRequest
from app.generations import cancel, lifecycle
from app.runtime import Runtime, open_runtime
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway, settings_for
from tests.harness.traces import execute
from tests.worker.test_submissions import created, work_of

PRICE = 150_000


async def ended(gate: Gateway, key: str, *, billed: int = PRICE, **headers: str) -> UUID:
    """A generation that failed, and was billed all the same."""
    uuid = (await gate.create(key, None, **headers)).json()["aiRecord"]["uuid"]
    work = await work_of(gate, uuid)
    async with lifecycle.begin(gate.rt) as transaction:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.UPSTREAM_FAILED, message="no",
            now=gate.rt.clock.now(), billed_credits=billed,
        )  # fmt: skip
    return UUID(uuid)


async def correct(rt: Runtime, generation_id: UUID, to: int) -> Correction:
    return await corrections.correct(
        rt, generation_id, settled_credits=to, actor=TESTER.because("they paid it back")
    )


async def credits_of(gate: Gateway, key: str) -> dict[str, Any]:
    me = (await gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
    bound: dict[str, Any] = me["credits"]["binding"]
    return bound


async def kinds(gate: Gateway, generation_id: UUID) -> list[tuple[str, int, int]]:
    async with gate.rt.db.single() as tx:
        entries = await ledger.entries_of(tx, generation_id)
    return [(entry.kind, entry.held, entry.settled) for entry in entries]


async def test_a_refund_gives_the_credits_back(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=PRICE)
    found = await ended(still_gate, key)
    assert (await still_gate.create(key)).status_code == 402
    made = await correct(still_gate.rt, found, 0)
    assert (made.credits, made.settled, made.reason) == (-PRICE, 0, "they paid it back")
    assert (await still_gate.generation(found)).settled == 0
    assert await kinds(still_gate, found) == [
        ("hold", PRICE, 0), ("settle", -PRICE, PRICE), ("correct", 0, -PRICE),
    ]  # fmt: skip
    assert (await credits_of(still_gate, key))["remaining_credits"] == PRICE
    assert (await still_gate.create(key)).status_code == 202
    assert await accounts.verify(still_gate.rt) == []


async def test_what_was_released_can_be_charged_and_corrected_again(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=PRICE)
    uuid = UUID(await created(still_gate, key))
    await cancel.cancel(still_gate.rt, uuid, actor="test")
    changes = [(await correct(still_gate.rt, uuid, to)).credits for to in (PRICE, 10, 20, 0, 7)]
    assert changes == [PRICE, 10 - PRICE, 10, -20, 7]
    assert (await credits_of(still_gate, key))["settled_credits"] == 7
    assert (await still_gate.generation(uuid)).settled == 7


async def test_it_counts_in_the_month_of_its_generation(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    clock.at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member(credit_limit=PRICE, credit_period=Period.MONTH)
        found = await ended(gate, key)
        clock.at += timedelta(days=1)
        assert (await gate.create(key)).status_code == 202
        await correct(gate.rt, found, 1)
        assert (await credits_of(gate, key))["used_credits"] == PRICE
        clock.at -= timedelta(days=1)
        assert (await credits_of(gate, key))["used_credits"] == 1


async def test_credits_that_are_held_are_not_corrected(still_gate: Gateway) -> None:
    key = await still_gate.member()
    open_ = UUID(await created(still_gate, key))
    unknown = await created(still_gate, key)
    async with lifecycle.begin(still_gate.rt) as transaction:
        await lifecycle.mark_unknown_after_restore(transaction, UUID(unknown))
    for found, state in ((open_, "queued"), (UUID(unknown), "unknown")):
        with pytest.raises(InvalidRequest, match=f"is {state} and holds {PRICE}"):
            await correct(still_gate.rt, found, 0)
        # The function itself refuses it, too.
        await execute(still_gate, f"SELECT reelgate_correct('{found}', 0, 'x', 'x')")
        assert await kinds(still_gate, found) == [("hold", PRICE, 0)]


async def test_only_another_figure_within_the_quote_is_one(still_gate: Gateway) -> None:
    found = await ended(still_gate, await still_gate.member(), billed=5)
    for to, said in ((-1, "must be from 0 to 150000, its quote"), (PRICE + 1, "must be from 0"),
                     (5, r"is what it has cost already \(got 5\)")):  # fmt: skip
        with pytest.raises(InvalidRequest, match=said) as refused:
            await correct(still_gate.rt, found, to)
        assert [issue.field for issue in refused.value.issues] == ["settled_credits"]
    with pytest.raises(InvalidRequest, match="reason: is required"):
        await corrections.correct(
            still_gate.rt, found, settled_credits=0, actor=TESTER.because(" ")
        )
    assert await kinds(still_gate, found) == [("hold", PRICE, 0), ("settle", -PRICE, 5)]


@pytest.mark.parametrize(
    "values",
    ["'correct', 0, 1, NULL, NULL", "'correct', 0, 1, 'x', NULL", "'correct', 0, 0, 'x', 'x'",
     "'correct', 1, 1, 'x', 'x'", "'release', -1, 0, 'x', 'x'", "'release', -1, 0, NULL, NULL",
     "'settle', -1, 1, NULL, NULL"],
)  # fmt: skip
async def test_the_schema_keeps_corrections_apart(still_gate: Gateway, values: str) -> None:
    """An entry without a reason, that changes nothing or a hold, and a second end are refused."""
    await ended(still_gate, await still_gate.member())
    statement = (
        "INSERT INTO ledger_entries (generation_id, team_id, member_id, api_key_id, kind, held,"
        f" settled, reason, actor, counts_at) SELECT id, team_id, member_id, api_key_id, {values},"
        " now() FROM generations"
    )
    with pytest.raises(Conflict):
        await execute(still_gate, statement)


async def test_of_several_at_once_none_is_lost(still_gate: Gateway, tmp_path: Path) -> None:
    """Over connections of several processes. The same figure is entered once."""
    key = await still_gate.member()
    found = await ended(still_gate, key)
    settings = settings_for(still_gate.rt.db.address, tmp_path)
    async with open_runtime(settings) as one, open_runtime(settings) as other:
        for wave in range(5):
            targets = [wave, wave, wave + 100, wave + 100, wave + 200, wave + 200]
            results = await asyncio.gather(
                *(correct((one, other)[n % 2], found, to) for n, to in enumerate(targets)),
                return_exceptions=True,
            )
            made = [each for each in results if isinstance(each, Correction)]
            refused = [each for each in results if isinstance(each, InvalidRequest)]
            assert len(made) + len(refused) == len(results)
            assert {each.settled for each in made} == set(targets)
    entries = await kinds(still_gate, found)
    settled = (await still_gate.generation(found)).settled
    assert settled == sum(credits_ for _, _, credits_ in entries)
    assert (await credits_of(still_gate, key))["settled_credits"] == settled


async def test_a_correction_and_the_end_of_a_hold_do_not_cross(still_gate: Gateway) -> None:
    """Whoever comes first: the hold ends once, and the correction follows it or is refused."""
    key = await still_gate.member()
    for _ in range(10):
        uuid = UUID(await created(still_gate, key))
        result, _ = await asyncio.gather(
            correct(still_gate.rt, uuid, 3), cancel.cancel(still_gate.rt, uuid, actor="test"),
            return_exceptions=True,
        )  # fmt: skip
        assert isinstance(result, Correction | InvalidRequest)
        corrected = [("correct", 0, 3)] if isinstance(result, Correction) else []
        assert await kinds(still_gate, uuid) == [
            ("hold", PRICE, 0), ("release", -PRICE, 0), *corrected,
        ]  # fmt: skip


async def test_over_the_api(still_gate: Gateway) -> None:
    key = await still_gate.member()
    found, root = await ended(still_gate, key), await operator(still_gate)
    path = f"/api/v1/admin/generations/{found}/corrections"
    assert (await root("GET", path)).json()["data"] == []
    made = []
    for to in (0, 5, 1):
        answer = await root("POST", path, {"settled_credits": to, "reason": "a refund"})
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    assert [(one["credits"], one["settled_credits"]) for one in made] == [
        (-PRICE, 0), (5, 5), (-4, 1),
    ]  # fmt: skip
    assert {one["actor"] for one in made} == {"default/root"}
    first = (await root("GET", f"{path}?limit=2")).json()
    rest = (await root("GET", f"{path}?cursor={first['next_cursor']}")).json()
    assert first["data"] + rest["data"] == made
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    again = await root("POST", path, {"settled_credits": 1, "reason": "a refund"})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "settled_credits")
    held = await created(still_gate, key)
    refused = await root(
        "POST", f"/api/v1/admin/generations/{held}/corrections",
        {"settled_credits": 1, "reason": "a refund"},
    )  # fmt: skip
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "settled_credits")
    line, *_ = (await root("GET", "/api/v1/admin/audit?action=ledger.correct")).json()["data"]
    assert (line["subject"], line["actor"]) == (str(found), "default/root")
    assert line["detail"] == {"settled_before": 5, "settled": 1, "reason": "a refund"}
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    theirs = (await lead("GET", "/api/v1/admin/audit?action=ledger.correct")).json()["data"]
    assert [line["subject"] for line in theirs] == [str(found)] * 3
    # Its member sees what it has cost, and not why.
    own = Desk(still_gate, key)
    assert (await own("GET", path)).status_code == 403
    usage = (await own("GET", "/api/v1/usage")).json()
    assert usage["settled_credits"] == 1
