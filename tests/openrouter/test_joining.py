"""Which requests are one call: the rule by itself, whatever comes when and whatever gets lost.

Time is in seconds since the beginning. A client sends one attempt after the other until it has read
a whole answer; a request that came in may be decided much later, also when its client has given up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.session import driver_conninfo
from app.http.sdk_retries import UNMARKED_SECONDS
from tests.harness import database

BEGIN = datetime(2026, 11, 30, tzinfo=UTC)
KEY = UUID(int=1)


@pytest.fixture(scope="module")
def connection(postgres: database.Server) -> Iterator[psycopg.Connection[Any]]:
    with (
        postgres.fresh() as address,
        psycopg.connect(driver_conninfo(address), autocommit=True) as made,
    ):
        # The rule alone: nothing that a call refers to is there.
        made.execute("SET session_replication_role = replica")
        yield made


class Rule:
    """Admission and the end of calls, as the database decides them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._connection.execute("DELETE FROM unmarked_calls")
        self.made: list[UUID] = []

    def ask(self, now: float, *, waited: float = 0.0, key: UUID = KEY, asked: bytes = b"a") -> UUID:
        """The generation of a request that came in `waited` seconds ago."""
        new = uuid4()
        record = {"id": str(new), "api_key_id": str(key), "fingerprint": f"\\x{asked.hex()}"}
        row = self._connection.execute(
            "SELECT reelgate_join_call(jsonb_populate_record(NULL::generations, %s), %s, %s, %s)",
            (json.dumps(record), waited, UNMARKED_SECONDS, _at(now)),
        ).fetchone()
        assert row is not None
        if row[0] is not None:
            return UUID(str(row[0]))
        self._connection.execute(
            "SELECT reelgate_begin_call(jsonb_populate_record(NULL::generations, %s), %s)",
            (json.dumps(record), _at(now)),
        )
        self.made.append(new)
        return new

    def answered(self, generation_id: UUID, now: float, *, seconds_ago: float = 0.0) -> None:
        self._connection.execute(
            "SELECT reelgate_end_call(%s, %s, %s)", (generation_id, seconds_ago, _at(now))
        )


def _at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


@pytest.fixture
def rule(connection: psycopg.Connection[Any]) -> Rule:
    return Rule(connection)


def test_a_call_whose_answer_was_never_written_is_joined(rule: Rule) -> None:
    first = rule.ask(0)
    assert rule.ask(5) == first
    assert rule.ask(3_600) == first
    assert rule.ask(UNMARKED_SECONDS + 1) != first


def test_a_request_after_a_whole_answer_is_another_call(rule: Rule) -> None:
    first = rule.ask(0)
    rule.answered(first, 1)
    second = rule.ask(1.5, waited=0.2)
    assert second != first
    assert rule.ask(2) == second


def test_a_request_that_came_before_the_answer_joins_however_late_it_is_decided(rule: Rule) -> None:
    """Its client gave up and asked again, and that was answered first."""
    first = rule.ask(6)
    rule.answered(first, 7, seconds_ago=0.5)
    assert rule.ask(60, waited=53.6) == first
    assert rule.ask(60, waited=53.4) != first


def test_an_answer_is_noted_once(rule: Rule) -> None:
    """A look at the video, much later, does not make the call longer."""
    first = rule.ask(0)
    rule.answered(first, 1)
    rule.answered(first, 500)
    assert rule.ask(100, waited=50) != first


def test_another_key_or_another_request_is_another_call(rule: Rule) -> None:
    assert len({rule.ask(0), rule.ask(0, key=UUID(int=2)), rule.ask(0, asked=b"b")}) == 3


_SECONDS = st.integers(0, 40).map(float)
#: The pause before an attempt, how long it is on its way to the decision, how long its answer
#: takes, and whether that gets to the client.
Attempt = tuple[float, float, float, bool]
_ATTEMPT = st.tuples(_SECONDS, _SECONDS, _SECONDS, st.booleans())
_CALL = st.lists(_ATTEMPT, min_size=1, max_size=5)


def _happen(rule: Rule, calls: list[list[Attempt]]) -> None:
    """Each attempt of each call comes in, is decided, and is answered. Its client gives up as soon
    as it came in, or reads the whole answer and sends no more."""
    decisions: list[tuple[float, int, float]] = []
    answers: list[tuple[float, int, float]] = []
    for attempts in calls:
        now = 0.0
        for pause, way, answering, arrives in attempts:
            now += pause
            number = len(decisions)
            decisions.append((now + way, number, way))
            if arrives:
                answers.append((now + way + answering, number, 0.0))
                break
    found: dict[int, UUID] = {}
    # At the same instant, what is decided comes before what is answered.
    for now, number, way in sorted([*decisions, *answers], key=lambda each: each[0]):
        if number in found:
            rule.answered(found[number], now)
        else:
            found[number] = rule.ask(now, waited=way)


@given(st.lists(_CALL, min_size=1, max_size=6))
def test_there_are_never_more_videos_than_calls(
    connection: psycopg.Connection[Any], calls: list[list[Attempt]]
) -> None:
    rule = Rule(connection)
    _happen(rule, calls)
    assert 1 <= len(rule.made) <= len(calls)


@given(_CALL)
def test_a_call_by_itself_is_one_video_whatever_is_lost(
    connection: psycopg.Connection[Any], attempts: list[Attempt]
) -> None:
    rule = Rule(connection)
    _happen(rule, [attempts])
    assert len(rule.made) == 1


@given(st.lists(st.lists(_ATTEMPT, max_size=3), min_size=1, max_size=5))
def test_calls_one_after_the_other_get_a_video_each(
    connection: psycopg.Connection[Any], calls: list[list[Attempt]]
) -> None:
    """Each is answered in the end, and the next one comes after that."""
    rule, now = Rule(connection), 0.0
    for number, lost in enumerate(calls, start=1):
        for pause, way, _, _ in lost:
            now += pause + way
            rule.ask(now, waited=way)
        now += 1
        rule.answered(rule.ask(now, waited=0.5), now)
        assert len(rule.made) == number
        now += 1
