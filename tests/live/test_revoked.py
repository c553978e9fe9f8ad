"""A stream lasts no longer than the key, or the session, it was opened with."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.db import api_keys
from app.db.events import Whose
from app.domain.caller import Status
from app.generations import lifecycle
from app.live import keys as in_use
from app.members import keys, members
from app.secrets import digest_of
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway
from tests.live.streams import PATIENCE_SECONDS, Stream, serving
from tests.live.test_streams import made, types
from tests.live.test_tokens import token_of
from tests.simulator.conftest import until
from tests.web.browser import OWN, browser, sign_in


@pytest.fixture(autouse=True)
def asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use, "LOOK_SECONDS", 0.02)


async def another_key(gate: Gateway, expires_at: datetime | None = None) -> str:
    key = await keys.create_key(
        gate.rt, TEAM, "ada", name="another", expires_at=expires_at, actor=TESTER
    )
    return key.secret


async def revoke(gate: Gateway, key: str) -> None:
    await keys.revoke_key(gate.rt, key[:11], actor=TESTER)


async def over(stream: Stream) -> None:
    """Returns when it has ended, by itself."""
    await stream.rest()


def ended(gate: Gateway, reason: str) -> float | None:
    return gate.rt.metrics.registry.get_sample_value(
        "reelgate_streams_ended_total", {"reason": reason}
    )


async def test_revoking_a_key_ends_its_streams_and_no_others(still_gate: Gateway) -> None:
    revoked, kept = await still_gate.member(max_open=10), await another_key(still_gate)
    token = await token_of(still_gate, revoked)
    uuid = await made(still_gate, kept)
    async with serving(still_gate.rt) as client:
        everything = client.stream("/api/v1/events", revoked)
        of_one = client.stream(f"/api/v1/generations/{uuid}/events", revoked)
        of_token = client.stream(f"/api/v1/events?token={token}")
        other = client.stream("/api/v1/events", kept)
        async with everything as one, of_one as two, of_token as three, other as four:
            for stream in (one, two, three, four):
                await stream.next()
            await revoke(still_gate, revoked)
            await asyncio.gather(over(one), over(two), over(three))
            assert ended(still_gate, "revoked") == 3
            assert still_gate.rt.feed.listening == 1
            await made(still_gate, kept)
            assert types(await four.events(1)) == ["generation.queued"]
        again = await client.get("/api/v1/events", revoked)
        assert again.status_code == 401


async def test_so_does_its_end(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        await gate.member()
        key = await another_key(gate, clock.now() + timedelta(hours=1))
        async with serving(gate.rt) as client, client.stream("/api/v1/events", key) as stream:
            await stream.next()
            clock.move(3_601)
            await over(stream)
        assert ended(gate, "revoked") == 1


async def test_signing_out_ends_the_streams_and_waits_of_that_browser_alone(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member(max_open=10)
    async with (
        browser(still_gate) as left, browser(still_gate) as kept, serving(still_gate.rt) as client,
    ):  # fmt: skip
        cookies = {}
        for each in (left, kept):
            await sign_in(each, key=key)
            cookies[each] = "; ".join(f"{name}={value}" for name, value in each.cookies.items())

        async def held() -> bool:
            return still_gate.rt.watch.waiting == 1

        waits = {**OWN, "Cookie": cookies[left], "Prefer": "wait=500"}
        waiting = asyncio.create_task(
            client.http.post("/api/features", json=body(), headers=waits, timeout=60)
        )
        async with (
            client.stream("/api/v1/events", cookie=cookies[left]) as one,
            client.stream("/api/v1/events", cookie=cookies[kept]) as two,
            client.stream("/api/v1/events", key) as three,
        ):
            for stream in (one, two, three):
                await stream.next()
            await until(held)
            assert (await left.delete("/app/session", headers=OWN)).status_code == 204
            await over(one)
            assert (await waiting).status_code == 202
            assert ended(still_gate, "revoked") == 1
            await made(still_gate, key)
            for stream in (two, three):
                assert types(await stream.events(1)) == ["generation.queued"]


async def test_a_suspended_member_goes_on_looking(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may open another stream, too."""
    answers: asyncio.Queue[set[UUID]] = asyncio.Queue()
    still_valid = api_keys.still_valid

    async def noted(tx: Any, ids: Collection[UUID], **more: Any) -> set[UUID]:
        answers.put_nowait(found := await still_valid(tx, ids, **more))
        return found

    key = await still_gate.member(max_open=10)
    monkeypatch.setattr(api_keys, "still_valid", noted)
    async with serving(still_gate.rt) as client, client.stream("/api/v1/events", key) as stream:
        await stream.next()
        uuid = await made(still_gate, key)
        assert types(await stream.events(1)) == ["generation.queued"]
        await members.change_member(
            still_gate.rt, TEAM, "ada", status=Status.SUSPENDED, actor=TESTER
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not answers.empty():
                answers.get_nowait()
            # The second one was asked for after it was suspended.
            await answers.get()
            assert len(await answers.get()) == 1
        async with lifecycle.begin(still_gate.rt) as transaction:
            assert await lifecycle.cancel(transaction, UUID(uuid), now=still_gate.rt.clock.now())
        assert types(await stream.events(1)) == ["generation.canceled"]


async def test_what_waits_for_it_is_not_sent(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=10)
    heard = still_gate.rt.feed
    async with still_gate.rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, digest_of(key))
    assert caller is not None
    whose = Whose(member_id=caller.member_id)
    listener = heard.listen(whose, member_id=caller.member_id, lasts_with=caller.key_id)
    await heard.placed(seconds=PATIENCE_SECONDS)
    await made(still_gate, key)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not listener.waiting:
            await listener.heard(seconds=PATIENCE_SECONDS)
    await revoke(still_gate, key)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not listener.ended:
            listener.wake.clear()
            await listener.heard(seconds=PATIENCE_SECONDS)
    assert listener.ended == "revoked"
    assert listener.take() is None
    heard.leave(listener)
