"""What a key holds open ends with it, and its last use is known."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.db import api_keys
from app.errors import Unavailable
from app.live import keys as in_use
from app.members import keys
from tests.generations.test_admission import caller_of
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway, body
from tests.harness.traces import execute
from tests.live.streams import PATIENCE_SECONDS, serving
from tests.native.test_waiting import look_later, waiting_post
from tests.videos.videos import archived, file_of

#: More than sockets and servers take in before a client reads.
LARGE = 64 * 1024 * 1024


@pytest.fixture
def asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use, "LOOK_SECONDS", 0.02)


async def revoke(gate: Gateway, key: str) -> None:
    await keys.revoke_key(gate.rt, key, actor=TESTER)


async def another_key(gate: Gateway) -> str:
    return (await keys.create_key(gate.rt, TEAM, "ada", name="another", actor=TESTER)).secret


@pytest.mark.usefixtures("asked_often")
async def test_a_create_that_waits_is_let_go_and_goes_on(still_gate: Gateway) -> None:
    """What was admitted is made: its member pays for it, and fetches it with another key."""
    revoked = await still_gate.member()
    kept = await another_key(still_gate)
    async with waiting_post(still_gate, revoked) as creating, waiting_post(still_gate, kept) as on:
        await revoke(still_gate, revoked)
        uuid = look_later(await asyncio.wait_for(creating, PATIENCE_SECONDS))
        assert not on.done()
        still_gate.start_worker()
        assert (await on).status_code == 200
    assert (await still_gate.archived(uuid)).state == "succeeded"
    shown = f"/api/results/{uuid}"
    gone = await still_gate.http.get(shown, headers={"API-KEY": revoked})
    assert gone.status_code == 401
    found = await still_gate.http.get(shown, headers={"API-KEY": kept})
    assert found.json()["aiRecord"]["status"] == "SUCCESS"
    me = await still_gate.http.get("/api/v1/me", headers={"API-KEY": kept})
    assert me.json()["credits"]["binding"]["used_credits"] == 2 * 150_000


@pytest.mark.usefixtures("asked_often")
@pytest.mark.parametrize("path", ["/api/v1/generations/{}/content", "/v1/videos/{}/content"])
async def test_a_video_on_its_way_is_cut_off(gate: Gateway, path: str) -> None:
    revoked = await gate.member()
    kept = await another_key(gate)
    generation = await archived(gate, revoked)
    with file_of(gate, generation).open("r+b") as file:
        file.truncate(LARGE)
    await execute(gate, f"UPDATE assets SET size_bytes = {LARGE}")
    found = path.format(generation.id)

    async def read(answer: httpx.Response) -> int:
        return sum([len(part) async for part in answer.aiter_raw()])

    async with (
        serving(gate.rt) as client,
        client.http.stream("GET", found, headers={"API-KEY": revoked}) as cut,
        client.http.stream("GET", found, headers={"API-KEY": kept}) as whole,
    ):
        assert (cut.status_code, whole.status_code) == (200, 200)
        assert cut.headers["Content-Length"] == str(LARGE)
        caller = await caller_of(gate, revoked)
        await revoke(gate, revoked)
        ended = asyncio.Event()
        gate.rt.keys.attach(caller.key_id, ended.set)
        await asyncio.wait_for(ended.wait(), PATIENCE_SECONDS)
        with pytest.raises(httpx.TransportError):
            await read(cut)
        assert await read(whole) == LARGE


async def test_the_last_use_is_known(still_gate: Gateway) -> None:
    key, unused = await still_gate.member(), await another_key(still_gate)
    assert await last_uses(still_gate) == {"test": None, "another": None}
    for _ in range(3):
        assert (await still_gate.create(key, body())).status_code == 202
    before = datetime.now(UTC)
    await still_gate.rt.keys.note()
    used = await last_uses(still_gate)
    assert used["another"] is None
    assert used["test"] is not None
    assert before - timedelta(seconds=60) < used["test"] <= datetime.now(UTC)
    me = (await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()["key"]
    assert (me["prefix"], me["name"], me["expires_at"]) == (key[:11], "test", None)
    assert datetime.fromisoformat(me["last_used_at"]) == used["test"]
    assert unused[11:] not in str(me)


async def last_uses(gate: Gateway) -> dict[str, datetime | None]:
    async with gate.rt.db.single() as tx:
        return {key.name: key.last_used_at for key in await api_keys.list_keys(tx)}


async def test_a_last_use_is_no_earlier_than_one_before(still_gate: Gateway) -> None:
    caller = await caller_of(still_gate, await still_gate.member())
    async with still_gate.rt.db.single() as tx:
        await api_keys.note_last_use(tx, {caller.key_id: 5.0})
    newest = await last_uses(still_gate)
    async with still_gate.rt.db.single() as tx:
        await api_keys.note_last_use(tx, {caller.key_id: 500.0})
    assert await last_uses(still_gate) == newest


async def test_a_use_is_kept_until_it_could_be_noted(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = api_keys.note_last_use

    async def away(*_: object) -> None:
        raise Unavailable

    caller = await caller_of(still_gate, await still_gate.member())
    still_gate.rt.keys.used(caller.key_id)
    monkeypatch.setattr(api_keys, "note_last_use", away)
    with pytest.raises(Unavailable):
        await still_gate.rt.keys.note()
    monkeypatch.setattr(api_keys, "note_last_use", note)
    await still_gate.rt.keys.note()
    assert (await last_uses(still_gate))["test"] is not None


async def test_whoever_changes_a_key_is_not_waited_for(still_gate: Gateway) -> None:
    caller = await caller_of(still_gate, await still_gate.member())
    async with still_gate.rt.db.begin() as tx:
        await api_keys.end_key(tx, caller.key_id, overlap_seconds=0)
        still_gate.rt.keys.used(caller.key_id)
        await asyncio.wait_for(still_gate.rt.keys.note(), PATIENCE_SECONDS)
    assert (await last_uses(still_gate))["test"] is None
