"""A worker that is frozen until it counts as dead, and then continues."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db import session
from app.db.session import Database
from app.errors import Unavailable
from tests.harness.processes import Api
from tests.promises.site import PRICE, Site, assert_paid_once


@pytest.mark.parametrize("asynchronous", [True, False], ids=["polled", "held"])
def test_a_stalled_worker_is_replaced_and_its_late_success_counts(
    workers: Site, api: Api, asynchronous: bool
) -> None:
    caller = workers.caller(api, f"stalled {asynchronous}")
    mode = {"REELGATE_UPSTREAM_ASYNC": str(asynchronous)}
    # Longer than the whole of any other request.
    prompt = f"sent by a frozen worker, asynchronous: {asynchronous} {'.' * 4000}"
    made = caller.create(prompt)
    # The upstream answers only after the worker was frozen.
    with workers.upstream.frozen():
        frozen = workers.start_worker(**mode)
        assert caller.until_submitting() == made
        workers.upstream.until_a_request_waits(chars=len(prompt))

        frozen.pause()
        workers.expire_heartbeats()
        second = workers.start_worker(**mode)
        assert caller.until_rest(made) == "unknown"
        assert caller.me()["credits"]["binding"]["used_credits"] == PRICE, "the hold stays"
        second.terminate()
        assert second.exit_code() == 0

    frozen.resume()
    assert caller.until_state(made, "succeeded") == "succeeded"
    assert workers.upstream.counts(prompt) == {"submitted": 1, "made": 1, "billed": PRICE}

    # It notices that it counted as dead, and continues.
    later = f"sent afterwards, asynchronous: {asynchronous}"
    after = caller.create(later)
    assert caller.until_rest(after) == "succeeded"
    assert_paid_once(workers, caller, {prompt: made, later: after})


async def test_an_idle_transaction_loses_its_locks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_IDLE_TRANSACTION", "200ms")
    db, lock = Database(database_url, pool_size=2), text("SELECT pg_advisory_xact_lock(1)")

    async def stall() -> None:
        async with db.begin() as stalled:
            await stalled.execute(lock)
            async with db.begin() as waiting:
                await waiting.execute(lock)
            await stalled.execute(lock)

    with pytest.raises(Unavailable):
        await stall()
    await db.close()
