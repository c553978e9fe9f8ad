"""Periods are functions of an instant and a time zone, across every clock change."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.db.session import driver_conninfo
from app.domain.accounts import Period
from tests.harness import database

#: Names that Python and PostgreSQL mean alike. Their releases of the zone data may differ, so what
#: is not of today is left out: the rules of the next years are guesses in both.
_ZONES = sorted(
    name for name in zoneinfo.available_timezones() if "/" in name and "Etc" not in name
)
_INSTANTS = st.datetimes(
    min_value=datetime(2015, 1, 1),  # noqa: DTZ001 - the zone is given apart
    max_value=datetime(2025, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.fixture(scope="module")
def connection(postgres: database.Server) -> Iterator[psycopg.Connection]:
    with (
        postgres.fresh() as address,
        psycopg.connect(driver_conninfo(address), autocommit=True) as opened,
    ):
        yield opened


def first_day(period: Period, local: date) -> date:
    match period:
        case Period.DAY:
            return local
        case Period.WEEK:
            return local - timedelta(days=local.weekday())
        case _:
            return local.replace(day=1)


def next_day(period: Period, first: date) -> date:
    match period:
        case Period.DAY:
            return first + timedelta(days=1)
        case Period.WEEK:
            return first + timedelta(days=7)
        case _:
            return (first + timedelta(days=32)).replace(day=1)


@given(
    zone=st.sampled_from(_ZONES), at=_INSTANTS,
    period=st.sampled_from([Period.DAY, Period.WEEK, Period.MONTH]),
)  # fmt: skip
# Midnight comes twice, in the first and in the second; and does not come.
@example("America/Havana", datetime(2024, 11, 3, 4, 30, tzinfo=UTC), Period.DAY)
@example("America/Havana", datetime(2024, 11, 3, 5, 30, tzinfo=UTC), Period.DAY)
@example("America/Havana", datetime(2024, 11, 2, 20, 0, tzinfo=UTC), Period.DAY)
@example("Africa/Cairo", datetime(2024, 4, 25, 12, 0, tzinfo=UTC), Period.DAY)
@example("Asia/Beirut", datetime(2024, 10, 26, 20, 30, tzinfo=UTC), Period.DAY)
@example("Europe/Berlin", datetime(2024, 2, 29, 23, 30, tzinfo=UTC), Period.MONTH)
@example("Pacific/Kiritimati", datetime(2024, 2, 28, 10, 0, tzinfo=UTC), Period.MONTH)
def test_a_period_begins_and_ends_at_midnight_there(
    connection: psycopg.Connection, zone: str, at: datetime, period: Period
) -> None:
    row = connection.execute(
        "SELECT on_, reelgate_period_ends_at(%(period)s, %(zone)s, on_)"
        " FROM reelgate_period_on(%(period)s, %(zone)s, %(at)s) on_",
        {"zone": zone, "at": at, "period": period.value},
    ).fetchone()
    assert row is not None
    begins, ends_at = row
    local = ZoneInfo(zone)
    assert begins == first_day(period, at.astimezone(local).date())
    # The end is the first instant of the next period.
    following = next_day(period, begins)
    assert ends_at.astimezone(local).date() >= following
    assert (ends_at - timedelta(microseconds=1)).astimezone(local).date() < following
    assert at < ends_at


def test_a_period_that_never_ends_has_no_day_and_no_end(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT on_ = '-infinity', reelgate_period_ends_at('none', 'Europe/Berlin', on_)"
        " FROM reelgate_period_on('none', 'Europe/Berlin', now()) on_"
    ).fetchone()
    assert row == (True, None)
