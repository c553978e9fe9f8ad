"""How streams end: without a gap before the end, and always."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.api import events as api_events
from app.db import events
from app.db.events import Event
from app.generations import lifecycle
from tests.harness.gateway import Gateway
from tests.live.streams import serving
from tests.live.test_streams import made, types


async def insert(gate: Gateway, uuid: str, type_: str, count: int = 1) -> None:
    async with gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO events (generation_id, team_id, member_id, type)"
                " SELECT g.id, g.team_id, g.member_id, :type"
                " FROM generations g, generate_series(1, :count) WHERE g.id = :id"
            ),
            {"id": UUID(uuid), "type": type_, "count": count},
        )


async def cancel(gate: Gateway, uuid: str) -> None:
    async with lifecycle.begin(gate.rt) as transaction:
        assert await lifecycle.cancel(transaction, UUID(uuid), now=gate.rt.clock.now())


async def test_a_stream_that_is_stopped_in_the_middle_of_what_was_leaves_no_gap(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens now waits for it; it may not be sent before all that was."""
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    await insert(still_gate, uuid, "generation.before", 9)
    monkeypatch.setattr(api_events, "_PAGE", 3)
    replay = events.replay
    feed = still_gate.rt.feed

    async def interrupted(tx: Any, *what: Any, **how: Any) -> list[Event]:
        found = await replay(tx, *what, **how)
        if found and not feed._released:
            await insert(still_gate, uuid, "generation.now")
            (listener,) = feed._everybody()
            while not listener.waiting:
                await feed._look()
            feed.release()
        return found

    path = "/api/v1/events?last_event_id=0"
    async with serving(still_gate.rt) as client:
        monkeypatch.setattr(events, "replay", interrupted)
        async with client.stream(path, key) as stream:
            first = await stream.rest()
        monkeypatch.setattr(events, "replay", replay)
        assert "generation.now" not in types(first)
        async with still_gate.rt.db.single() as tx:
            ids = list(await tx.scalars(text("SELECT id::text FROM events ORDER BY txid, id")))
        assert [each.id for each in first] == ids[: len(first)]


async def test_one_that_is_told_to_stop_again_and_again_is_told_at_its_last_event(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much has happened to it: each refusal of the upstream leaves two events."""
    monkeypatch.setattr(api_events, "_PAGE", 3)
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    await insert(still_gate, uuid, "generation.submitting", 9)
    await cancel(still_gate, uuid)
    path = f"/api/v1/generations/{uuid}/events"
    async with serving(still_gate.rt) as client:
        async with client.stream(path, key) as stream:
            sent = await stream.rest()
        assert types(sent)[-1] == "generation.canceled"
        again = await client.get(path, key, Last_Event_ID=sent[-1].id or "")
        assert again.status_code == 204


async def test_one_that_ended_long_ago_and_was_deleted_since_ends(still_gate: Gateway) -> None:
    """Its end is kept no more; that its video was deleted still is."""
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    await cancel(still_gate, uuid)
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("DELETE FROM events"))
    await insert(still_gate, uuid, "video.deleted")
    path = f"/api/v1/generations/{uuid}/events"
    async with serving(still_gate.rt) as client:
        async with client.stream(path, key) as stream:
            sent = await stream.rest()
        assert types(sent) == ["video.deleted"]
        again = await client.get(path, key, Last_Event_ID=sent[-1].id or "")
        assert again.status_code == 204


async def test_one_that_is_cut_off_while_it_is_sent_something_is_counted(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    rt = still_gate.rt
    generation = await still_gate.generation(UUID(uuid))
    listener = rt.feed.listen(
        events.Whose(generation_id=generation.id), member_id=generation.member_id,
        lasts_with=generation.id,
    )  # fmt: skip
    frames = api_events._Stream(rt, listener, (0, 0)).frames()
    await anext(frames)
    await frames.aclose()
    rt.feed.leave(listener)
    counted = rt.metrics.registry.get_sample_value(
        "reelgate_streams_ended_total", {"reason": "behind"}
    )
    assert counted == 1
