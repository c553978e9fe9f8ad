"""What a create's commit may not do."""

from __future__ import annotations

from sqlalchemy import text

from tests.harness.gateway import Gateway


async def test_nothing_notifies_when_a_job_is_made(still_gate: Gateway) -> None:
    """A notifying commit takes a lock of the whole server until it is on the disk."""
    async with still_gate.rt.db.single() as tx:
        enabled = await tx.execute(
            text(
                """
                SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid IN ('procrastinate_jobs'::regclass, 'generations'::regclass,
                                     'events'::regclass, 'ledger_entries'::regclass)
                   AND t.tgenabled <> 'D' AND t.tgtype & 4 <> 0 AND p.prosrc LIKE '%pg_notify%'
                """
            )
        )
        assert [row.tgname for row in enabled] == []


async def test_a_waiting_job_has_no_line_that_nobody_reads(still_gate: Gateway) -> None:
    assert (await still_gate.create(await still_gate.member())).status_code == 202
    async with still_gate.rt.db.single() as tx:
        jobs = await tx.scalar(text("SELECT count(*) FROM procrastinate_jobs"))
        lines = await tx.scalar(text("SELECT count(*) FROM procrastinate_events"))
    assert (jobs, lines) == (1, 0)


async def test_a_server_with_a_stricter_default_still_gets_read_committed(
    still_gate: Gateway,
) -> None:
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text("ALTER ROLE postgres SET default_transaction_isolation = 'repeatable read'")
        )
    try:
        key = await still_gate.member()
        await still_gate.rt.db.close()
        assert (await still_gate.create(key)).status_code == 202
    finally:
        async with still_gate.rt.db.begin() as tx:
            await tx.execute(text("ALTER ROLE postgres RESET default_transaction_isolation"))
