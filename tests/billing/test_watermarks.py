"""The upstream's figures beside the ledger: no false alarm, and no real one missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.session import driver_conninfo
from tests.billing.watermarks import Account
from tests.harness import database


@pytest.fixture(scope="module")
def connection(postgres: database.Server) -> Iterator[psycopg.Connection[Any]]:
    with postgres.fresh() as address, psycopg.connect(driver_conninfo(address)) as opened:
        yield opened


@contextmanager
def account(connection: psycopg.Connection[Any], seed: int) -> Iterator[Account]:
    """Of one life; nothing of it stays."""
    try:
        yield Account(connection, random.Random(seed))
    finally:
        connection.rollback()


_SEEDS = st.integers(0, 2**32)


@given(_SEEDS, st.integers(5, 60))
def test_spends_lags_and_failures_are_no_drift(
    connection: psycopg.Connection[Any], seed: int, steps: int
) -> None:
    with account(connection, seed) as life:
        begin = life.used
        for _ in range(steps):
            life.step()
        assert life.events() == []
        assert all(low <= change <= high for change, low, high in life.intervals())
        life.rest()
        assert life.events() == []
        assert life.offset() == (begin, begin), "everything is known after a rest"


@given(_SEEDS, st.integers(5, 30), st.sampled_from([-1, 1]), st.integers(1, 10**6))
def test_what_happens_beside_the_ledger_is_found_to_the_credit(
    connection: psycopg.Connection[Any], seed: int, steps: int, sign: int, credits_: int
) -> None:
    with account(connection, seed) as life:
        begin = life.used
        for _ in range(steps):
            life.step()
        life.rest()
        life.spend_elsewhere(sign * credits_)
        for _ in range(steps):
            life.step()
        life.rest()
        found = life.events()
        least = sum(unexplained - added for unexplained, added, _ in found)
        uncertain = sum(each for *_, each in found)
        assert found, "it is seen"
        assert least * sign <= credits_ <= least * sign + uncertain
        assert life.offset() == (begin + sign * credits_,) * 2


@given(_SEEDS, st.lists(st.integers(-(10**6), 10**6).filter(bool), max_size=5))
def test_while_nothing_is_open_each_event_is_exact(
    connection: psycopg.Connection[Any], seed: int, events: list[int]
) -> None:
    with account(connection, seed) as life:
        life.submit()
        life.rest()
        for credits_ in events:
            life.spend_elsewhere(credits_)
            life.rest()
        assert life.events() == [(max(each, 0), max(-each, 0), 0) for each in events]


def test_a_figure_that_was_overtaken_is_left_out(connection: psycopg.Connection[Any]) -> None:
    """Two answers whose requests overlap: nobody knows which figure is the newer one."""
    with account(connection, 1) as life:
        life.rest()
        for _ in range(2):
            life.look()
        one, other = life.sent
        life.sent.clear()
        life.spend_elsewhere(-5)
        life.observe(one, life.used)
        life.observe(other, life.used + 5)
        assert life.events() == [(0, 5, 0)]
