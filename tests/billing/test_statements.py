"""Statements: every entry of the ledger that changed what was spent is in exactly one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.billing import accounts, statements
from app.db import statements as rows
from app.db.session import driver_conninfo
from app.domain.statements import GroupBy, Kind, Line, Statement, month_of, next_month
from app.errors import InvalidRequest, NotFound
from app.members import members, teams
from app.runtime import Runtime, open_runtime
from tests.billing.ended import PRICE, Who, admit, correct, end, team_of_one
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import settings_for

MARCH = date(2026, 3, 1)
#: Some months begin with a clock that is set, in Havana at the very midnight.
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Pacific/Apia")


async def lines_of(rt: Runtime, statement: Statement) -> list[Line]:
    async with rt.db.single() as tx:
        return await rows.lines(tx, statement.id, after=0, limit=10_000)


async def csv_of(rt: Runtime, statement: Statement) -> bytes:
    return b"".join([part async for part in statements.csv_of(rt, statement)])


async def close(rt: Runtime, who: Who, month: date) -> Statement:
    statement, _ = await statements.close(rt, who.team, month, actor=TESTER)
    return statement


@pytest.fixture
def tx(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as connection:
        yield connection


class Months:
    """Runs use cases with a clock of its own, a month after another."""

    def __init__(self, runner: asyncio.Runner, rt: Runtime, clock: HandClock) -> None:
        self.runner, self.rt, self.clock = runner, rt, clock

    def close(self, who: Who, month: date) -> tuple[Statement, list[Line]]:
        async def act() -> tuple[Statement, list[Line]]:
            statement = await close(self.rt, who, month)
            return statement, await lines_of(self.rt, statement)

        after = next_month(month)
        self.clock.at = datetime(after.year, after.month, 2, 12, tzinfo=UTC)
        return self.runner.run(act())


@pytest.fixture
def months(database_url: str, tmp_path: Path) -> Iterator[Months]:
    clock = HandClock()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        rt = runner.run(
            stack.enter_async_context(
                open_runtime(settings_for(database_url, tmp_path), clock=clock)
            )
        )
        yield Months(runner, rt, clock)
        runner.run(stack.aclose())


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "end", "end", "correct", "close"]),
        st.integers(0, 5),
        st.integers(0, PRICE),
        # Near the end of a month, or anywhere in it.
        st.one_of(st.integers(-7200, 7200), st.integers(-28 * 86_400, 0)),
    ),
    max_size=25,
)


# Each example has a team of its own.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=st.sampled_from(ZONES), first=st.sampled_from([2, 3, 9, 10, 12]), deeds=DEEDS)
def test_the_sum_of_all_statements_and_what_waits_is_the_ledger(
    months: Months, tx: psycopg.Connection, zone: str, first: int,
    deeds: list[tuple[str, int, int, int]],
) -> None:  # fmt: skip
    """To the credit, whatever is admitted, ended and corrected before and after months are
    closed; and each statement is what the local dates of its entries say."""
    where = ZoneInfo(zone)
    month = date(2026, first, 1)
    who = team_of_one(tx, zone, datetime(2026, first, 15, tzinfo=UTC) - timedelta(days=45))
    month = (month - timedelta(days=1)).replace(day=1)
    admitted: list[tuple[UUID, date]] = []
    cost: dict[UUID, int] = {}
    waiting: list[tuple[date, UUID, int]] = []
    closed = 0
    for deed, which, credits_, seconds in deeds:
        if deed == "admit":
            ends = datetime(next_month(month).year, next_month(month).month, 1, tzinfo=where)
            at = ends.astimezone(UTC) + timedelta(seconds=seconds)
            admitted.append((admit(tx, who, at), at.astimezone(where).date()))
        elif deed == "close":
            statement, lines = months.close(who, month)
            due = [entry for entry in waiting if entry[0] < next_month(month)]
            waiting = [entry for entry in waiting if entry[0] >= next_month(month)]
            held = [
                (day, found, PRICE) for found, day in admitted
                if found not in cost and day < next_month(month)
            ]  # fmt: skip
            cost_something = [line for line in lines if line.kind in (Kind.SETTLE, Kind.CORRECT)]
            assert Counter((x.day, x.generation_id, x.credits) for x in cost_something) == Counter(
                due
            )
            assert Counter((x.day, x.generation_id, x.held) for x in lines if x.held) == Counter(
                held
            )
            assert statement.credits == sum(credits_ for _, _, credits_ in due)
            assert statement.open_credits == PRICE * len(held)
            assert statement.earlier_credits == sum(c for day, _, c in due if day < month)
            closed += statement.credits
            month = next_month(month)
        elif admitted:
            found, day = admitted[which % len(admitted)]
            if deed == "end" and found not in cost:
                end(tx, found, credits_)
                cost[found] = credits_
                waiting += [(day, found, credits_)] * (credits_ > 0)
            elif deed == "correct" and found in cost and cost[found] != credits_:
                correct(tx, found, credits_)
                waiting.append((day, found, credits_ - cost[found]))
                cost[found] = credits_
    assert closed + sum(credits_ for _, _, credits_ in waiting) == sum(cost.values())
    assert tx.execute(
        "SELECT sum(l.settled) FROM unclosed_entries u"
        " JOIN ledger_entries l ON l.id = u.ledger_entry_id WHERE u.team_id = %s", [who.team],
    ).fetchone() == (sum(c for _, _, c in waiting) if waiting else None,)  # fmt: skip
    assert months.runner.run(statements.verify(months.rt, str(who.team), actor=TESTER)) == []


@pytest.mark.parametrize("zone", ["America/Havana", "Europe/Berlin", "Pacific/Apia", "UTC"])
def test_a_month_ends_with_the_local_day(months: Months, tx: psycopg.Connection, zone: str) -> None:
    """In Havana, November of 2026 has two midnights: the first one counts."""
    where = ZoneInfo(zone)
    ends = datetime(2026, 11, 1, tzinfo=where).astimezone(UTC)
    who = team_of_one(tx, zone, ends - timedelta(days=20))
    for at in (ends - timedelta(microseconds=1), ends):
        end(tx, admit(tx, who, at), 1 if at < ends else 2)
    months.clock.at = ends - timedelta(microseconds=1)
    with pytest.raises(InvalidRequest, match=f"2026-10|has not ended in {zone}"):
        months.runner.run(close(months.rt, who, date(2026, 10, 1)))
    months.clock.at = ends
    october = months.runner.run(close(months.rt, who, date(2026, 10, 1)))
    assert (october.credits, october.ends_at, october.time_zone) == (1, ends, zone)
    assert months.close(who, date(2026, 11, 1))[0].credits == 2


def test_months_close_in_their_order_and_stay_closed(
    months: Months, tx: psycopg.Connection
) -> None:
    rt, runner = months.rt, months.runner
    who = team_of_one(tx, "UTC", datetime(2026, 2, 10, tzinfo=UTC))
    months.clock.at = datetime(2026, 12, 1, tzinfo=UTC)
    end(tx, admit(tx, who, datetime(2026, 2, 11, tzinfo=UTC)), 1)
    with pytest.raises(InvalidRequest, match="has spent nothing before 2026-02; got 2026-01"):
        runner.run(close(rt, who, date(2026, 1, 1)))
    # The first one may be any, and has what was spent before.
    march = runner.run(close(rt, who, MARCH))
    assert (march.credits, march.earlier_credits, march.lines) == (1, 1, 1)
    for wrong in (date(2026, 2, 1), date(2026, 5, 1)):
        with pytest.raises(InvalidRequest, match="the next one to close is 2026-04"):
            runner.run(close(rt, who, wrong))
    assert runner.run(statements.close(rt, who.team, MARCH, actor=TESTER)) == (march, False)
    assert runner.run(close(rt, who, date(2026, 4, 1))).lines == 0
    # A day more of the year than any clock shows.
    with pytest.raises(InvalidRequest, match="the next one to close is 2026-05; got 9999-12"):
        runner.run(close(rt, who, date(9999, 12, 1)))
    months.clock.at = datetime(2026, 5, 31, 23, 59, tzinfo=UTC)
    with pytest.raises(InvalidRequest, match="has not ended in UTC; got 2026-05"):
        runner.run(close(rt, who, date(2026, 5, 1)))
    listed = runner.run(statements.list_statements(rt, who.team, actor=TESTER, limit=9))
    assert [month_of(each.month) for each in listed] == ["2026-03", "2026-04"]
    with pytest.raises(NotFound, match="2026-05 of team"):
        runner.run(statements.get_statement(rt, who.team, date(2026, 5, 1), actor=TESTER))


def test_later_entries_and_other_names_change_nothing_of_it(
    months: Months, tx: psycopg.Connection
) -> None:
    rt, runner = months.rt, months.runner
    who = team_of_one(tx, "Europe/Berlin", datetime(2026, 3, 1, tzinfo=UTC))
    at = datetime(2026, 3, 31, 21, tzinfo=UTC)
    first, late, unknown = (admit(tx, who, at, tags={"cost_centre": "4711"}) for _ in range(3))
    tx.execute("UPDATE generations SET state = 'unknown' WHERE id = %s", [unknown])
    end(tx, first, 7)
    march, _ = months.close(who, MARCH)
    assert (march.credits, march.open_credits, march.unknown_credits) == (7, PRICE, PRICE)
    before = runner.run(csv_of(rt, march))
    assert (sha256(before).digest(), len(before)) == (march.csv_sha256, march.csv_bytes)
    runner.run(members.rename_member(rt, str(who.team), "ada", new_name="grace", actor=TESTER))
    runner.run(teams.rename_team(rt, str(who.team), new_name="atelier", actor=TESTER))
    tx.execute("UPDATE api_keys SET name = 'other'")
    correct(tx, first, 0)
    end(tx, late, 3)
    end(tx, unknown, PRICE)
    again = runner.run(statements.get_statement(rt, who.team, MARCH, actor=TESTER))
    assert again.csv_sha256 == march.csv_sha256
    assert runner.run(csv_of(rt, again)) == before
    april, lines = months.close(who, date(2026, 4, 1))
    assert [(line.kind, line.credits, month_of(line.day)) for line in lines] == [
        (Kind.CORRECT, -7, "2026-03"), (Kind.SETTLE, 3, "2026-03"), (Kind.SETTLE, 10, "2026-03"),
    ]  # fmt: skip
    assert april.credits == april.earlier_credits == 6
    assert {(line.member, line.key) for line in lines} == {("grace", "other")}
    assert runner.run(statements.verify(rt, None, actor=TESTER)) == []


def test_totals_add_up_to_the_statement(months: Months, tx: psycopg.Connection) -> None:
    rt, runner = months.rt, months.runner
    who = team_of_one(tx, "UTC", datetime(2026, 3, 1, tzinfo=UTC))
    at = datetime(2026, 3, 5, tzinfo=UTC)
    for credits_, tags in ((5, {"shot": "a"}), (2, {"shot": "b"}), (4, {"shot": "b"}), (1, {})):
        end(tx, admit(tx, who, at, tags=tags), credits_)
    admit(tx, who, at, tags={"shot": "a"})
    months.close(who, MARCH)

    def totals(by: GroupBy, tag: str | None = None, **page: int) -> list[tuple[object, ...]]:
        found = runner.run(
            statements.list_totals(
                rt, who.team, MARCH, actor=TESTER, by=by, tag=tag, **{"limit": 9, **page}
            )
        )
        return [(one.value, one.lines, one.credits, one.held) for one in found]

    by_shot = [("b", 2, 6, 0), ("a", 1, 5, PRICE), (None, 1, 1, 0)]
    assert totals(GroupBy.TAG, "shot") == by_shot
    assert totals(GroupBy.TAG, "shot", skip=1, limit=1) == by_shot[1:2]
    everything = (4, 12, PRICE)
    assert totals(GroupBy.MEMBER) == [("ada", *everything)]
    assert totals(GroupBy.KEY) == [("rg_aaaaaaaa", *everything)]
    assert totals(GroupBy.MODEL) == [("ray-v3", *everything)]
    assert totals(GroupBy.MONTH) == [("2026-03", *everything)]
    for by, tag in ((GroupBy.TAG, None), (GroupBy.MODEL, "shot")):
        with pytest.raises(InvalidRequest, match="tag is given with `by=tag`, and only then"):
            totals(by, tag)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6])
def test_the_csv_is_whole_however_many_lines_a_page_has(
    months: Months, tx: psycopg.Connection, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = team_of_one(tx, "UTC", datetime(2026, 3, 1, tzinfo=UTC))
    for _ in range(count):
        end(tx, admit(tx, who, datetime(2026, 3, 5, tzinfo=UTC)), 1)
    march, _ = months.close(who, MARCH)
    whole = months.runner.run(csv_of(months.rt, march))
    monkeypatch.setattr(rows, "PAGE", 3)
    parts: list[bytes] = []

    async def read() -> None:
        parts.extend([part async for part in statements.csv_of(months.rt, march)])

    months.runner.run(read())
    assert b"".join(parts) == whole
    assert max(part.count(b"\r\n") for part in parts) <= 3
    assert whole.count(b"\r\n") == count + 1
    assert months.runner.run(statements.verify(months.rt, None, actor=TESTER)) == []


def test_what_was_changed_by_hand_is_found(months: Months, tx: psycopg.Connection) -> None:
    rt, runner = months.rt, months.runner
    who = team_of_one(tx, "UTC", datetime(2026, 3, 1, tzinfo=UTC))
    for _ in range(2):
        end(tx, admit(tx, who, datetime(2026, 3, 5, tzinfo=UTC)), 5)
    months.close(who, MARCH)
    end(tx, admit(tx, who, datetime(2026, 4, 5, tzinfo=UTC)), 5)

    def wrong() -> list[str]:
        return [one.what for one in runner.run(statements.verify(rt, None, actor=TESTER))]

    tx.execute("SET session_replication_role = replica")
    tx.execute("UPDATE statement_lines SET credits = 6 WHERE position = 1")
    assert wrong() == [
        "its lines do not have its digest", "its credits are 10, and its lines have 11",
        "1 lines are not what the ledger says",
    ]  # fmt: skip
    tx.execute("UPDATE statement_lines SET credits = 5, member = 'eve' WHERE position = 1")
    assert wrong() == ["its lines do not have its digest"]
    tx.execute("UPDATE statement_lines SET member = 'ada' WHERE position = 1")
    tx.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM unclosed_entries")
    tx.execute("DELETE FROM unclosed_entries")
    (found,) = wrong()
    assert found.endswith("is not in exactly one statement")
    # Made anew from the ledger, without what is in a statement.
    runner.run(accounts.rebuild(rt, actor="test"))
    assert wrong() == []
    tx.execute("INSERT INTO unclosed_entries SELECT team_id, counts_at, id FROM ledger_entries"
               " WHERE id = (SELECT min(ledger_entry_id) FROM statement_lines)")  # fmt: skip
    (found,) = wrong()
    assert found.endswith("is not in exactly one statement")
    tx.execute("DELETE FROM unclosed_entries WHERE ledger_entry_id NOT IN (SELECT ledger_entry_id"
               " FROM kept)")  # fmt: skip
    assert wrong() == []
    tx.execute("SET session_replication_role = origin")
    for attack in (
        "UPDATE statements SET credits = 0", "DELETE FROM statements",
        "UPDATE statement_lines SET credits = 1", "TRUNCATE statement_lines",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tx.execute(attack)


async def test_closing_races_with_ends_and_corrections(
    database_url: str, tmp_path: Path, tx: psycopg.Connection
) -> None:
    """Over connections of several processes: no entry is lost, and none is in two statements; who
    closes a month at the same time gets the same statement."""
    clock = HandClock()
    clock.at = datetime(2026, 12, 1, tzinfo=UTC)
    who = team_of_one(tx, "Europe/Berlin", datetime(2026, 3, 1, tzinfo=UTC))
    # Each is admitted near the end of one of four months.
    chance = random.Random(7)
    found = [
        admit(tx, who, datetime(2026, month, 30, 22, tzinfo=UTC) + timedelta(hours=hours))
        for month in (3, 4, 5, 6) for hours in range(-10, 11)
    ]  # fmt: skip
    chance.shuffle(found)
    config = settings_for(database_url, tmp_path, database_pool_size=8)

    def spend(part: list[UUID], seed: int) -> None:
        luck = random.Random(seed)
        with psycopg.connect(driver_conninfo(database_url)) as own:
            for each in part:
                end(own, each, luck.randint(0, PRICE))
                if luck.random() < 0.5:
                    correct(own, each, luck.randint(0, PRICE))
                own.commit()

    async with open_runtime(config, clock=clock) as one, open_runtime(config, clock=clock) as two:

        async def close_all() -> None:
            for month in (3, 4, 5):
                made = await asyncio.gather(
                    *(statements.close(rt, who.team, date(2026, month, 1), actor=TESTER)
                      for rt in (one, two, one))
                )  # fmt: skip
                assert len({statement.id for statement, _ in made}) == 1
                assert sorted(is_new for _, is_new in made) == [False, False, True]

        await asyncio.gather(
            close_all(),
            *(asyncio.to_thread(spend, found[n::6], n) for n in range(6)),
        )
        last = await close(one, who, date(2026, 6, 1))
        rest = await close(one, who, date(2026, 7, 1))
        assert await statements.verify(two, None, actor=TESTER) == []
        closed = await statements.list_statements(one, who.team, actor=TESTER, limit=9)
        assert closed[-2:] == [last, rest]
    spent = tx.execute("SELECT sum(settled), count(*) FILTER (WHERE settled <> 0) FROM"
                       " ledger_entries").fetchone()  # fmt: skip
    assert (sum(each.credits for each in closed), sum(each.lines for each in closed)) == spent
    assert tx.execute("SELECT count(*) FROM unclosed_entries").fetchone() == (0,)
