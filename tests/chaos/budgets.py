"""Budgets that move during a run: a period that ends, and credits that are granted for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import psycopg

from app.billing import grants
from app.billing.grants import MemberAccount
from app.db.session import driver_conninfo
from app.errors import InvalidRequest, Unavailable
from app.runtime import Runtime
from tests.chaos.plan import PRICE, Grant, Plan
from tests.harness.actors import TESTER

_TRIES = 60


def zone_with_midnight_at(instant: datetime) -> str:
    """In POSIX's notation, which counts hours west of Greenwich. The application would refuse it:
    it is no place on earth."""
    moment = instant.astimezone(UTC)
    hours, minutes, seconds = moment.hour, moment.minute, moment.second
    return f"<turning>{hours:02}:{minutes:02}:{seconds:02}"


def turn_at(address: str, team: str, instant: datetime) -> None:
    """Lets the days of a team begin at this instant."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(
            "UPDATE teams SET time_zone = %s WHERE name = %s",
            [zone_with_midnight_at(instant), team],
        )


async def give_all(rt: Runtime, plan: Plan) -> None:
    """Each grant at its moment; one that meets an outage is given a little later."""
    begin = asyncio.get_running_loop().time()
    for grant in plan.grants:
        await asyncio.sleep(max(0.0, begin + grant.at - asyncio.get_running_loop().time()))
        for _ in range(_TRIES):
            if await _given(rt, plan, grant):
                break
            # Nothing says when the database is back.
            await asyncio.sleep(0.5)


async def _given(rt: Runtime, plan: Plan, grant: Grant) -> bool:
    person = plan.people[grant.member]
    ends_at = datetime.now(UTC) + timedelta(seconds=grant.seconds)
    try:
        await grants.give(
            rt,
            MemberAccount(team=person.team, member=person.name),
            credits_=grant.videos * PRICE,
            ends_at=ends_at,
            actor=TESTER,
        )
    except Unavailable:
        return False
    except InvalidRequest:
        # On a busy machine it may be over before it was given.
        return datetime.now(UTC) > ends_at
    return True


def periods_met(address: str) -> Mapping[str, int]:
    """Team → how many periods its members' generations were admitted in."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT t.name, count(DISTINCT b.period_on) FROM balances b"
            " JOIN members m ON m.id = b.account_id JOIN teams t ON t.id = m.team_id GROUP BY 1"
        ).fetchall()
        return {str(name): int(count) for name, count in rows}


def unnoticed(address: str) -> list[str]:
    """Accounts without grants that used so much of their limit in a period, and have no notice that
    says so. In the order of the ledger's ids no sum is higher than it was at the time."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(
            """
            WITH limited AS (
                SELECT m.id AS account_id, m.credit_limit, m.credit_period AS period, t.time_zone
                  FROM members m JOIN teams t ON t.id = m.team_id
                 WHERE m.id NOT IN (SELECT account_id FROM grants)
            ), sums AS (
                SELECT a.*, l.used,
                       CASE a.period WHEN 'none' THEN '-infinity'::date
                            ELSE (l.counts_at AT TIME ZONE a.time_zone)::date END AS period_on
                  FROM limited a CROSS JOIN LATERAL (
                    SELECT e.counts_at, sum(e.held + e.settled) OVER (
                        PARTITION BY CASE a.period WHEN 'none' THEN NULL
                                     ELSE (e.counts_at AT TIME ZONE a.time_zone)::date END
                        ORDER BY e.id) AS used
                      FROM ledger_entries e WHERE e.member_id = a.account_id) l
            )
            SELECT DISTINCT s.account_id, s.period_on, percent
              FROM sums s CROSS JOIN unnest(ARRAY[50, 80, 90, 100]) percent
             WHERE s.used * 100 >= percent * s.credit_limit
               AND NOT EXISTS (SELECT FROM notices n
                                WHERE n.account_id = s.account_id AND n.period = s.period
                                  AND n.period_on = s.period_on AND n.percent = percent)
            """
        ).fetchall()
    return [f"{account} in {period}: {percent} %" for account, period, percent in rows]
