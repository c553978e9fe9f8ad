"""The check inside the database sees what it has to see."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.db.session import driver_conninfo
from tests.chaos import watchman
from tests.harness.gateway import Gateway

PRICE = 150_000


@pytest.fixture
async def two_holds(still_gate: Gateway, database_url: str) -> str:
    """The address of a database with two generations of a member, whose holds come to twice its
    limit and are not in the ledger yet."""
    key = await still_gate.member(credit_limit=2 * PRICE)
    for _ in range(2):
        assert (await still_gate.create(key)).status_code == 202
    await asyncio.to_thread(watchman.install, database_url)
    with connection(database_url) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("DELETE FROM ledger_entries")
        admin.execute("UPDATE members SET credit_limit = %s", [PRICE])
    return database_url


def connection(address: str) -> psycopg.Connection:
    return psycopg.connect(driver_conninfo(address), autocommit=True)


def count(admin: psycopg.Connection, number: int) -> None:
    """Enters the hold of the generation with this number, from 0."""
    admin.execute(
        "INSERT INTO ledger_entries (generation_id, team_id, member_id, api_key_id, kind, held,"
        " settled, counts_at)"
        " SELECT id, team_id, member_id, api_key_id, 'hold', quote, 0, created_at FROM generations"
        " ORDER BY created_at, id LIMIT 1 OFFSET %s",
        [number],
    )


def overshoots(address: str) -> list[tuple[str, int, int]]:
    with connection(address) as admin:
        return admin.execute(
            "SELECT whose, used::int, credit_limit::int FROM chaos_overshoots"
        ).fetchall()


async def test_what_is_within_the_limit_is_no_overshoot(two_holds: str) -> None:
    with connection(two_holds) as admin:
        count(admin, 0)
    assert overshoots(two_holds) == []


async def test_two_transactions_that_overshoot_together_are_seen(two_holds: str) -> None:
    with connection(two_holds) as first, connection(two_holds) as second:
        first.execute("BEGIN")
        second.execute("BEGIN")
        count(first, 0)
        count(second, 1)
        # Neither sees the other's entry; whoever commits second has to.
        first.execute("COMMIT")
        assert overshoots(two_holds) == []
        second.execute("COMMIT")
    assert overshoots(two_holds) == [("member", 2 * PRICE, PRICE)]


async def test_the_team_s_limit_is_looked_at_too(two_holds: str) -> None:
    with connection(two_holds) as admin:
        admin.execute("UPDATE members SET credit_limit = %s", [2 * PRICE])
        admin.execute("UPDATE teams SET credit_limit = %s", [PRICE])
        count(admin, 0)
        count(admin, 1)
    assert overshoots(two_holds) == [("team", 2 * PRICE, PRICE)]


async def test_an_overshoot_that_is_taken_back_was_none(two_holds: str) -> None:
    with connection(two_holds) as admin:
        count(admin, 0)
        admin.execute("BEGIN")
        count(admin, 1)
        admin.execute("SET CONSTRAINTS ALL IMMEDIATE")
        admin.execute("ROLLBACK")
    assert overshoots(two_holds) == []


async def test_a_period_that_ends_begins_anew(two_holds: str) -> None:
    with connection(two_holds) as admin:
        admin.execute("UPDATE members SET credit_period = 'day'")
        admin.execute(
            "WITH earlier AS (SELECT id FROM generations ORDER BY created_at, id LIMIT 1)"
            " UPDATE generations SET created_at = created_at - interval '1 day'"
            " WHERE id = (SELECT id FROM earlier)"
        )
        count(admin, 0)
        count(admin, 1)
    assert overshoots(two_holds) == []


@pytest.mark.parametrize(("ends", "found"), [("1 day", []), ("0 seconds", [("member", 2, 1)])])
async def test_what_is_granted_counts_until_it_ends(
    two_holds: str, ends: str, found: list[tuple[str, int, int]]
) -> None:
    with connection(two_holds) as admin:
        admin.execute(
            "INSERT INTO grants (id, account_id, kind, team_id, credits, reason, actor, created_at,"
            " ends_at) SELECT gen_random_uuid(), m.id, 'member', m.team_id, %s, 'more', 'lead',"
            " g.least - interval '1 day', g.most + CAST(%s AS interval) FROM members m,"
            " (SELECT min(created_at) AS least, max(created_at) AS most FROM generations) g",
            [PRICE, ends],
        )
        count(admin, 0)
        count(admin, 1)
    assert [(whose, used // PRICE, of // PRICE) for whose, used, of in overshoots(two_holds)] == (
        found
    )
