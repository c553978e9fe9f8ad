"""The list: newest first, in pages that fit together, and never somebody else's."""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from hypothesis import given
from hypothesis import strategies as st

from app.api import cursor as cursors
from app.domain.caller import Role
from app.domain.ids import parse_generation_id
from app.errors import InvalidRequest
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import execute


async def make(gate: Gateway, key: str, count: int) -> list[str]:
    made = [(await gate.create(key, body(f"film {number}"))).json() for number in range(count)]
    return [answer["aiRecord"]["uuid"] for answer in made]


async def list_of(gate: Gateway, key: str, **query: Any) -> httpx.Response:
    return await gate.http.get("/api/v1/generations", params=query, headers={"API-KEY": key})


async def ids(gate: Gateway, key: str, **query: Any) -> list[str]:
    answer = await list_of(gate, key, **query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def pages(gate: Gateway, key: str, **query: Any) -> list[list[str]]:
    found = []
    while True:
        page = (await list_of(gate, key, **query)).json()
        found.append([each["id"] for each in page["data"]])
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            return found
        query["cursor"] = page["next_cursor"]


def flat(found: list[list[str]]) -> list[str]:
    return [each for page in found for each in page]


async def test_the_newest_comes_first(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await make(still_gate, key, 3)
    assert await ids(still_gate, key) == made[::-1]


async def test_an_empty_list_is_a_list(still_gate: Gateway) -> None:
    answer = await list_of(still_gate, await still_gate.member())
    assert answer.json() == {"object": "list", "data": [], "has_more": False, "next_cursor": None}


async def test_pages_are_complete_and_do_not_overlap_although_all_were_made_at_one_instant(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, clock=HandClock()) as gate:
        key = await gate.member(max_open=50, rate_burst=50)
        made = await make(gate, key, 7)
        for size in (1, 2, 3, 7, 100):
            found = await pages(gate, key, limit=size)
            assert sorted(flat(found)) == sorted(made)
            assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
        whole = await ids(gate, key)
        assert flat(await pages(gate, key, limit=2)) == whole


async def test_a_page_stays_where_it_was_while_new_ones_are_made(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await make(still_gate, key, 4)
    first = (await list_of(still_gate, key, limit=2)).json()
    await make(still_gate, key, 2)
    rest = await ids(still_gate, key, limit=2, cursor=first["next_cursor"])
    assert rest == made[1::-1]


async def test_filters_by_state_take_one_or_several(still_gate: Gateway) -> None:
    key = await still_gate.member()
    queued, canceled, unknown = await make(still_gate, key, 3)
    await still_gate.http.post(f"/api/v1/generations/{canceled}/cancel", headers={"API-KEY": key})
    await execute(
        still_gate, "UPDATE generations SET state = 'unknown' WHERE id = :id", id=UUID(unknown)
    )
    assert await ids(still_gate, key, state="queued") == [queued]
    assert await ids(still_gate, key, state=["queued", "unknown"]) == [unknown, queued]
    assert await ids(still_gate, key, state="succeeded") == []


async def test_filters_by_time_begin_at_and_end_before(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        times, made = [], []
        for _ in range(3):
            made += await make(gate, key, 1)
            times.append(clock.now())
            clock.move(60)
        middle = times[1].isoformat()
        assert await ids(gate, key, created_from=middle) == [made[2], made[1]]
        assert await ids(gate, key, created_before=middle) == [made[0]]
        east = times[1].astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)
        assert await ids(gate, key, created_from=east.isoformat(), limit=1) == [made[2]]
        assert await ids(gate, key, created_from=middle, created_before=times[2].isoformat()) == [
            made[1]
        ]


async def test_a_member_sees_its_own_and_an_administrator_its_team(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    boss = await still_gate.member("boss", role=Role.ADMIN)
    rival = await still_gate.member("eve", team="rivals", role=Role.ADMIN)
    of_ada, of_bob = await make(still_gate, ada, 2), await make(still_gate, bob, 1)
    of_rival = await make(still_gate, rival, 1)
    assert await ids(still_gate, ada) == of_ada[::-1]
    assert await ids(still_gate, boss) == (of_ada + of_bob)[::-1]
    assert await ids(still_gate, rival) == of_rival

    async def member_id(key: str) -> str:
        me = await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})
        return str(me.json()["member_id"])

    assert await ids(still_gate, boss, member_id=await member_id(bob)) == of_bob
    assert await ids(still_gate, boss, member_id=await member_id(rival)) == []
    assert await ids(still_gate, ada, member_id=await member_id(ada)) == of_ada[::-1]
    for stranger in (await member_id(bob), str(UUID(int=0))):
        refused = await list_of(still_gate, ada, member_id=stranger)
        assert refused.status_code == 403
        assert refused.json()["code"] == "permission_denied"


async def test_filters_by_the_user_whom_they_are_for(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    boss = await still_gate.member("boss", role=Role.ADMIN)
    made = []
    for key, user in ((ada, "u 1"), (ada, "Ω"), (ada, "u 1"), (bob, "u 1"), (bob, None)):
        asked = {"prompt": "a lion", "user": user}
        answer = await still_gate.http.post("/v1/videos", json=asked, headers={"API-KEY": key})
        made.append(str(parse_generation_id(answer.json()["id"])))
    assert await ids(still_gate, ada, user="u 1") == [made[2], made[0]]
    assert await pages(still_gate, ada, user="u 1", limit=1) == [[made[2]], [made[0]]]
    assert await ids(still_gate, bob, user="Ω") == []
    assert await ids(still_gate, boss, user="u 1") == [made[3], made[2], made[0]]
    assert await ids(still_gate, boss, user="u") == []


WRONG_QUERIES = (
    ("limit", "0"), ("limit", "101"), ("limit", "x"), ("limit", "9" * 30),
    ("state", "done"), ("state", ""),
    ("created_from", "yesterday"), ("created_from", "2026-01-01T00:00:00"),
    ("created_before", "2026-13-01T00:00:00Z"),
    ("member_id", "ada"),
    ("user", ""), ("user", "x" * 257), ("user", "a\x00"),
    ("cursor", "x"), ("cursor", ""), ("cursor", "ä"), ("cursor", "\x00"), ("cursor", "%%%"),
    ("cursor", base64.urlsafe_b64encode(b"2026-01-01|1").decode()),
    ("cursor", base64.urlsafe_b64encode(f"2026-01-01|{UUID(int=0)}".encode()).decode()),
)  # fmt: skip


async def test_a_wrong_query_is_422_and_named(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for field, value in WRONG_QUERIES:
        answer = await list_of(still_gate, key, **{field: value})
        assert answer.status_code == 422, (field, value)
        assert answer.headers["Content-Type"] == "application/problem+json"
        found = answer.json()
        assert found["code"] == "invalid_request"
        assert found["type"] == "urn:reelgate:error:invalid_request"
        assert (found["billed"], found["retry_safe"]) == (False, True)
        assert found["errors"][0]["field"].split(".")[0] == field
        assert found["errors"][0]["message"]


async def test_instants_at_the_ends_of_time_and_of_the_world_are_no_fault(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    [made] = await make(still_gate, key, 1)
    for early in ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "1969-12-31T23:59-23:00"):
        assert await ids(still_gate, key, created_from=early) == [made], early
    for late in ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "2999-01-01T00:00+20:00"):
        assert await ids(still_gate, key, created_from=late) == [], late
        written = cursors.write((datetime.fromisoformat(late), UUID(int=0)))
        assert await ids(still_gate, key, cursor=written) == [made], late


def test_a_cursor_reads_back_what_it_was_made_of() -> None:
    position = (datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC), UUID(int=7))
    written = cursors.write(position)
    assert cursors.read(written) == position
    assert written.isascii()
    assert "=" not in written


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
def test_anything_else_is_a_position_or_refused_as_a_cursor(written: str) -> None:
    with contextlib.suppress(InvalidRequest):
        position = cursors.read(written)
        assert position is not None
        assert position[0].tzinfo is not None
