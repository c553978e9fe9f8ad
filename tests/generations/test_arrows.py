"""Every move there is, and none beside: the arrows hold in the database and in the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import transitions
from app.db.faults import Conflict
from app.db.session import Tx
from app.db.transitions import Work
from app.domain.generation import ARROWS, CLOSED, FINAL, OPEN, FailureCode, State
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from tests.generations.counting import counted
from tests.harness.gateway import Gateway
from tests.worker.test_submissions import PRICE, created, used, work_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def put(gate: Gateway, uuid: str, state: State) -> None:
    """Sets a row into a state as if it had come there, past the guard that is under test."""
    done = state in FINAL
    async with gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                "UPDATE generations SET state = :state, upstream_id = 'u-1',"
                " finished_at = CASE WHEN :done THEN now() END WHERE id = :id"
            ),
            {"state": state.value, "done": done, "id": UUID(uuid)},
        )


async def step(transaction: Transaction, work: Work, target: State) -> State | None:
    attempt = None
    match target:
        case State.QUEUED:
            return await lifecycle.return_to_queue(
                transaction, work, attempt=work.attempt or uuid4(), reason="test", at=NOW
            )
        case State.SUBMITTING:
            return await lifecycle.begin_attempt(
                transaction, work.id, attempt=uuid4(),
                upstream_key_id=await key_id(transaction.tx), now=NOW,
            )  # fmt: skip
        case State.RUNNING:
            return await lifecycle.run(
                transaction, work, attempt=work.attempt or uuid4(), upstream_id="u-1", now=NOW,
                poll_at=NOW,
            )  # fmt: skip
        case State.SUCCEEDED:
            return await lifecycle.succeed(
                transaction, work, attempt=attempt, upstream_id=None, paths=("a.mp4",), link=None,
                now=NOW,
            )  # fmt: skip
        case State.FAILED:
            return await lifecycle.fail(
                transaction,
                work,
                attempt=attempt,
                code=FailureCode.UPSTREAM_FAILED,
                message="no",
                now=NOW,
            )
        case State.CANCELED:
            return await lifecycle.cancel(transaction, work.id, now=NOW)
        case State.UNKNOWN:
            return await lifecycle.mark_unknown(transaction, work, attempt=attempt, reason="test")


async def key_id(tx: Tx) -> int:
    found = await tx.scalar(
        text(
            "INSERT INTO upstream_keys (label, fingerprint) VALUES ('test', 'test')"
            " ON CONFLICT (fingerprint) DO UPDATE SET label = 'test' RETURNING id"
        )
    )
    return int(found or 0)


@pytest.mark.parametrize("source", list(State))
async def test_only_the_arrows_lead_out_of_a_state(still_gate: Gateway, source: State) -> None:
    key = await still_gate.member()
    for target in State:
        uuid = await created(still_gate, key, f"{source} to {target}")
        await put(still_gate, uuid, source)
        before = counted(still_gate)
        async with lifecycle.begin(still_gate.rt) as transaction:
            tx = transaction.tx
            await tx.execute(
                text("UPDATE generations SET attempt = :a WHERE id = :id"),
                {"a": uuid4(), "id": UUID(uuid)},
            )
            work = await transitions.find_work(tx, UUID(uuid), lock=True)
            assert work is not None
            entered = await step(transaction, work, target)
            # Only one row may carry the made-up upstream id.
            await tx.execute(text("UPDATE generations SET upstream_id = id::text"))
            assert counted(still_gate) == before, "counted before the commit"
        assert entered == (target if target in ARROWS[source] else None), f"{source} → {target}"
        assert (await work_of(still_gate, uuid)).state is (entered or source)
        assert counted(still_gate) - before == Counter([entered] if entered else [])


async def test_a_hold_ends_once_whoever_asks_again(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = await created(still_gate, key)
    async with lifecycle.begin(still_gate.rt) as transaction:
        assert await lifecycle.cancel(transaction, UUID(uuid), now=NOW)
        assert not await lifecycle.cancel(transaction, UUID(uuid), now=NOW)
    async with still_gate.rt.db.single() as tx:
        kinds = await tx.execute(text("SELECT kind, held, settled FROM ledger_entries"))
        assert [tuple(row) for row in kinds] == [("hold", PRICE, 0), ("release", -PRICE, 0)]
    assert await used(still_gate, key) == 0


@pytest.mark.parametrize(
    ("billed", "settled"), [(None, 0), (0, 0), (100, 100), (PRICE, PRICE), (PRICE * 9, PRICE)]
)
async def test_a_failure_settles_what_the_upstream_billed_and_never_above_the_hold(
    still_gate: Gateway, billed: int | None, settled: int
) -> None:
    key = await still_gate.member()
    work = await work_of(still_gate, await created(still_gate, key))
    async with lifecycle.begin(still_gate.rt) as transaction:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.UPSTREAM_FAILED, message="no",
            now=NOW, billed_credits=billed,
        )  # fmt: skip
    assert await used(still_gate, key) == settled


_ENTRY = (
    "INSERT INTO ledger_entries"
    " (generation_id, team_id, member_id, api_key_id, kind, held, settled, counts_at)"
)


@pytest.mark.parametrize(
    "statement",
    [
        _ENTRY + " SELECT id, team_id, member_id, api_key_id, 'hold', 1, 0, now() FROM generations",
        _ENTRY + " SELECT id, team_id, member_id, api_key_id, 'settle', -1, 2, now()"
        " FROM generations",
        "UPDATE generations SET settled = quote + 1",
        "UPDATE generations SET state = 'running'",
        "UPDATE generations SET state = 'succeeded'",
        "UPDATE generations SET state = 'dreaming'",
        "UPDATE balances SET held = -1",
    ],
    ids=["second hold", "above the hold", "above the quote", "running without id",
         "final without time", "no such state", "negative balance"],
)  # fmt: skip
async def test_the_schema_itself_refuses_what_must_not_be(
    still_gate: Gateway, statement: str
) -> None:
    key = await still_gate.member()
    await created(still_gate, key)
    with pytest.raises(Conflict):
        async with still_gate.rt.db.begin() as tx:
            await tx.execute(text(statement))


async def test_every_move_leaves_its_event(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await created(gate, key)
    await gate.closed(uuid)
    async with gate.rt.db.single() as tx:
        found = await tx.execute(text("SELECT type FROM events ORDER BY id"))
        types: list[Any] = [row.type for row in found]
    assert types[:4] == [
        "generation.queued", "generation.submitting", "generation.running", "generation.succeeded",
    ]  # fmt: skip


def test_every_state_rests_or_leads_on() -> None:
    for state in State:
        assert (state in FINAL) == (not ARROWS[state])
        assert (state in OPEN) != (state in CLOSED)
