"""The limits and periods of accounts, and their balances made anew where a period changes."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from app.db import usage
from app.db.session import Tx, take_your_time
from app.domain.accounts import AccountKind, Period

#: Whoever adds to the ledger refers to these rows, so it waits for whoever locks one like this.
_LOCKS = {
    AccountKind.KEY: text("SELECT FROM api_keys WHERE account_id = :id FOR UPDATE"),
    AccountKind.MEMBER: text("SELECT FROM members WHERE id = :id FOR UPDATE"),
    AccountKind.TEAM: text("SELECT FROM teams WHERE id = :id FOR UPDATE"),
}
_SET_PERIOD = {
    AccountKind.KEY: text("UPDATE api_keys SET credit_period = :period WHERE account_id = :id"),
    AccountKind.MEMBER: text("UPDATE members SET credit_period = :period WHERE id = :id"),
    AccountKind.TEAM: text("UPDATE teams SET credit_period = :period WHERE id = :id"),
}
_REBUILD = text(
    "INSERT INTO balances (account_id, period_on, member_id, held, settled)"
    " SELECT * FROM ledger_by_account"
)
#: What waits for a statement: what was spent and is in none.
_REBUILD_UNCLOSED = text(
    """
    INSERT INTO unclosed_entries
    SELECT l.team_id, l.counts_at, l.id FROM ledger_entries l
     WHERE l.settled <> 0 AND NOT EXISTS (
        SELECT FROM statement_lines s
         WHERE s.ledger_entry_id = l.id AND s.kind IN ('settle', 'correct'))
    """
)
_REBUILD_SOME = text(
    f"{_REBUILD.text} WHERE member_id = ANY(:members) AND account_id = ANY(:accounts)"
)

#: SQL that joins `b` to a row of teams, members or keys, `{owner}`, and its team, `t`: the balance
#: of `{account}` in the present period, when that ends, and `g`, what is granted to it.
PRESENT_BALANCE = """
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(x.settled), 0)::bigint AS settled,
           coalesce(sum(x.held), 0)::bigint AS held,
           reelgate_period_ends_at({owner}.credit_period, t.time_zone, p.period_on) AS resets_at
      FROM (SELECT reelgate_period_on({owner}.credit_period, t.time_zone, now()) AS period_on) p
      LEFT JOIN balances x ON x.account_id = {account} AND x.period_on = p.period_on
     GROUP BY p.period_on) b
  CROSS JOIN LATERAL reelgate_granted({account}, now()) g
"""


async def set_period(tx: Tx, kind: AccountKind, account_id: UUID, period: Period) -> None:
    """Changes how often an account begins anew. What was used is counted in the periods that it
    has from now on; that reads the account's whole past."""
    await tx.execute(_LOCKS[kind], {"id": account_id})
    await tx.execute(_SET_PERIOD[kind], {"id": account_id, "period": period.value})
    await _rebuild(tx, [account_id], await _members(tx, account_id))


async def set_time_zone(tx: Tx, team_id: UUID, time_zone: str) -> list[UUID]:
    """Changes when the periods and days of a team, its members and their keys begin; returns their
    accounts. That reads the team's whole past."""
    await tx.execute(_LOCKS[AccountKind.TEAM], {"id": team_id})
    await tx.execute(
        text("UPDATE teams SET time_zone = :time_zone WHERE id = :id"),
        {"id": team_id, "time_zone": time_zone},
    )
    found = await tx.scalars(
        text(
            """
            SELECT t.id FROM teams t WHERE t.id = :id
            UNION ALL SELECT m.id FROM members m WHERE m.team_id = :id
            UNION SELECT k.account_id FROM api_keys k JOIN members m ON m.id = k.member_id
                   WHERE m.team_id = :id
            """
        ),
        {"id": team_id},
    )
    accounts = list(found)
    await _rebuild(tx, accounts, await _members(tx, team_id))
    await usage.rebuild(tx, team_id)
    return accounts


async def rebuild_all(tx: Tx) -> None:
    """Makes every balance what the ledger adds up to, and usage what the generations do. Nothing is
    admitted or ended meanwhile."""
    await take_your_time(tx)
    await tx.execute(text("LOCK TABLE ledger_entries IN SHARE ROW EXCLUSIVE MODE"))
    await tx.execute(text("DELETE FROM balances"))
    await tx.execute(_REBUILD)
    await tx.execute(text("DELETE FROM unclosed_entries"))
    await tx.execute(_REBUILD_UNCLOSED)
    await usage.rebuild(tx, None)


async def knows_time_zone(tx: Tx, time_zone: str) -> bool:
    """Whether it is a name that Postgres has. Postgres reads hundreds of files for their list, so a
    name that a team has is not looked for again."""
    return bool(
        await tx.scalar(
            text(
                "SELECT :name = 'UTC' OR EXISTS (SELECT FROM teams WHERE time_zone = :name)"
                " OR EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)"
            ),
            {"name": time_zone},
        )
    )


async def _members(tx: Tx, account_id: UUID) -> list[UUID]:
    """Whose use an account counts."""
    found = await tx.scalars(
        text(
            """
            SELECT m.id FROM members m WHERE m.team_id = :id OR m.id = :id
            UNION SELECT k.member_id FROM api_keys k WHERE k.account_id = :id
            """
        ),
        {"id": account_id},
    )
    return list(found)


async def _rebuild(tx: Tx, accounts: Collection[UUID], members: Collection[UUID]) -> None:
    """Makes the balances of these accounts what the ledger adds up to."""
    await take_your_time(tx)
    values = {"accounts": list(accounts), "members": list(members)}
    await tx.execute(text("DELETE FROM balances WHERE account_id = ANY(:accounts)"), values)
    await tx.execute(_REBUILD_SOME, values)
