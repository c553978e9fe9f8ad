"""A worker that stands still for so long that it is taken for dead, and then goes on."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db import session
from app.db.session import Database
from app.errors import Unavailable
from tests.harness.processes import Api
from tests.promises.site import PRICE, Site, assert_paid_once


@pytest.mark.parametrize("asynchronous", [True, False], ids=["polled", "held"])
def test_a_stalled_worker_is_replaced_and_its_late_success_is_taken(
    workers: Site, api: Api, asynchronous: bool
) -> None:
    caller = workers.caller(api, f"stalled {asynchronous}")
    mode = {"REELGATE_UPSTREAM_ASYNC": str(asynchronous)}
    prompt = f"sent by a sleeper, asynchronous: {asynchronous}"
    made = caller.create(prompt)
    # The upstream's answer comes after the worker was stopped, however late that happens.
    with workers.upstream.standing_still():
        sleeper = workers.start_worker(**mode)
        assert caller.until_submitting() == made
        workers.upstream.until_a_request_waits()

        sleeper.pause()
        workers.let_silence_pass()
        awake = workers.start_worker(**mode)
        assert caller.until_rest(made) == "unknown"
        assert caller.me()["used_credits"] == PRICE, "the hold stays"
        awake.terminate()
        assert awake.exit_code() == 0

    sleeper.resume()
    assert caller.until_state(made, "succeeded") == "succeeded"
    assert workers.upstream.asked(prompt) == {"asked": 1, "made": 1, "billed": PRICE}

    # It has noticed that it was taken for dead, and works on.
    later = f"after the sleep, asynchronous: {asynchronous}"
    after = caller.create(later)
    assert caller.until_rest(after) == "succeeded"
    assert_paid_once(workers, caller, {prompt: made, later: after})


async def test_whoever_stands_still_in_a_transaction_gives_up_its_locks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_IDLE_TRANSACTION_MS", 200)
    db, lock = Database(database_url, pool_size=2), text("SELECT pg_advisory_xact_lock(1)")

    async def stand_still() -> None:
        async with db.begin() as stalled:
            await stalled.execute(lock)
            async with db.begin() as waiting:
                await waiting.execute(lock)
            await stalled.execute(lock)

    with pytest.raises(Unavailable):
        await stand_still()
    await db.close()
