"""A caller that was looked up for an earlier request: what became of it since then decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from app.db import admission
from app.domain.caller import Caller, Status
from app.live.callers import Callers
from tests.generations.test_admission import caller_of
from tests.harness.gateway import Gateway
from tests.harness.traces import execute, traces
from tests.members.test_ended_while_asking import CREATES

CHANGES = {
    "revoked": ("UPDATE api_keys SET revoked_at = now()", 401),
    "expired": ("UPDATE api_keys SET expires_at = now()", 401),
    "gone": ("UPDATE api_keys SET secret_sha256 = '\\x00'", 401),
    "read only": ("UPDATE api_keys SET scopes = '{read}'", 403),
    "other models": ("UPDATE api_keys SET models = '{ray-v1}'", 403),
    "other networks": ("UPDATE api_keys SET addresses = '{10.9.8.0/24}'", 403),
    "member suspended": ("UPDATE members SET status = 'SUSPENDED'", 403),
    "team suspended": ("UPDATE teams SET status = 'SUSPENDED'", 403),
}  # fmt: skip


ALLOWED = (
    "WITH members AS (UPDATE members SET status = 'ACTIVE'),"
    " teams AS (UPDATE teams SET status = 'ACTIVE')"
    " UPDATE api_keys SET scopes = '{generate}', models = NULL, addresses = NULL"
)


@pytest.mark.parametrize("dialect", CREATES)
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_counts_at_once(still_gate: Gateway, change: str, dialect: str) -> None:
    key = await still_gate.member()
    path, document = CREATES[dialect]
    asked: dict[str, Any] = {
        "json": document, "headers": {"API-KEY": key, "Prefer": "respond-async"}
    }  # fmt: skip
    assert (await still_gate.http.post(path, **asked)).status_code in (200, 201, 202)
    statement, status = CHANGES[change]
    await execute(still_gate, statement)
    before = await traces(still_gate)
    for _ in range(2):
        assert (await still_gate.http.post(path, **asked)).status_code == status
        assert await traces(still_gate) == before


async def test_what_is_allowed_again_is_allowed_at_once(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=100)
    for change, (statement, status) in CHANGES.items():
        if status == 401:
            continue
        await execute(still_gate, statement)
        assert (await still_gate.create(key)).status_code == status, change
        await execute(still_gate, ALLOWED)
        assert (await still_gate.create(key)).status_code == 202, change


async def test_the_answer_shows_what_the_member_is_now(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=1_000_000)
    for limit in (1_000_000, 2_000_000):
        await execute(still_gate, f"UPDATE members SET credit_limit = {limit}")
        shown = (await still_gate.create(key)).json()["aiRecord"]["teamUser"]["creditLimit"]
        assert int(shown) == limit


async def test_a_caller_that_changes_all_the_time_is_looked_up_once_more(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, decide, asked = await still_gate.member(), admission.admit, 0

    async def changed_meanwhile(*given: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        async with still_gate.rt.db.single() as tx:
            await tx.execute(text("UPDATE members SET updated_at = now()"))
        return await decide(*given, **more)

    monkeypatch.setattr(admission, "admit", changed_meanwhile)
    assert (await still_gate.create(key)).status_code == 202
    assert asked == 2


async def test_it_is_looked_up_again_after_a_while_and_no_more_than_so_many_are_kept(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await caller_of(still_gate, await still_gate.member())
    now = 0.0
    callers = Callers(now=lambda: now)
    callers.remember(b"a", caller)
    now = 59.9
    assert callers.find(b"a") == caller
    now = 60.0
    assert callers.find(b"a") is None

    monkeypatch.setattr("app.live.callers._MOST", 2)
    for digest in (b"a", b"b", b"a", b"c"):
        callers.remember(digest, caller)
    assert [callers.find(each) for each in (b"a", b"b", b"c")] == [caller, None, caller]
    callers.remember(b"a", None)
    callers.remember(b"c", _suspended(caller))
    assert (callers.find(b"a"), callers.find(b"c")) == (None, None)


def _suspended(caller: Caller) -> Caller:
    return replace(caller, status=Status.SUSPENDED)
