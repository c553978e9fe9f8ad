"""Server-sent events: nothing is missed, nothing comes twice, and everything ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from app.api import events as api_events
from app.domain.caller import Role
from app.errors import Unavailable
from tests.harness.gateway import Gateway, gateway
from tests.live.streams import PATIENCE_SECONDS, Sent, serving


async def made(gate: Gateway, key: str) -> str:
    answer = await gate.create(key)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["aiRecord"]["uuid"])


async def all_events_are_readable(gate: Gateway) -> None:
    """An event is readable once no older transaction is open, whoever began it: until then a new
    listener would still get it."""
    unreadable = text(
        "SELECT EXISTS (SELECT FROM events"
        " WHERE txid >= (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint)"
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with gate.rt.db.single() as tx:
                if not await tx.scalar(unreadable):
                    return
            await asyncio.sleep(0.01)


def types(sent: list[Sent]) -> list[str | None]:
    return [each.event for each in sent]


FULL = ["generation.queued", "generation.submitting", "generation.running", "generation.succeeded"]


async def test_one_generation_from_its_beginning_to_its_end(gate: Gateway) -> None:
    key = await gate.member()
    async with serving(gate.rt) as client:
        uuid = await made(gate, key)
        async with client.stream(f"/api/v1/generations/{uuid}/events", key) as stream:
            headers = stream.response.headers
            assert stream.response.status_code == 200
            assert headers["content-type"].startswith("text/event-stream")
            assert headers["cache-control"] == "no-cache"
            assert headers["x-accel-buffering"] == "no"
            assert "content-length" not in headers
            assert headers["x-request-id"]
            beginning = await stream.next()
            assert (beginning.retry, beginning.id) == ("2000", None)
            sent = [each for each in await stream.rest() if each.event != "progress"]
        # Its video may have been archived before it was all told.
        assert types(sent)[:4] == FULL
        sent = sent[:4]
        for each in sent:
            assert str(each.data["id"]) == each.id
            assert each.data["type"] == each.event
            assert each.data["generation"]["id"] == uuid
            assert set(each.data["generation"]["progress"]) == {
                "elapsed_seconds", "p50_seconds", "p90_seconds",
            }  # fmt: skip
        last = sent[-1].data["generation"]
        assert last["state"] == "succeeded"
        assert last["video"]["url"].startswith(f"{gate.rt.settings.link_base}/media/{uuid}.mp4?")

        # A browser comes again with the last id, and is told what happened since, and to stop.
        await gate.archived(uuid)
        await all_events_are_readable(gate)
        path, seen = f"/api/v1/generations/{uuid}/events", sent[-1].id or ""
        async with client.stream(path, key, Last_Event_ID=seen) as stream:
            [late] = await stream.rest()
        assert late.event == "video.archived"
        assert late.data["generation"]["video"]["state"] == "archived"
        again = await client.get(path, key, Last_Event_ID=late.id or "")
        assert again.status_code == 204
        # A client that saw half of it gets the other half.
        half = f"/api/v1/generations/{uuid}/events?last_event_id={sent[1].id}"
        async with client.stream(half, key) as stream:
            assert types(await stream.rest()) == [*FULL[2:], "video.archived"]
    assert gate.rt.feed.listening == 0


async def test_all_of_a_members_from_now_on(gate: Gateway) -> None:
    ada, bob = await gate.member("ada"), await gate.member("bob")
    await gate.archived(await made(gate, ada))
    await all_events_are_readable(gate)
    async with serving(gate.rt) as client, client.stream("/api/v1/events", ada) as stream:
        beginning = await stream.next()
        assert (beginning.event, beginning.data) == ("listening", {"object": "listening"})
        assert beginning.id is not None, "what breaks now is gone on with from here"
        await made(gate, bob)
        mine = await made(gate, ada)
        sent = await stream.events(4)
        assert types(sent) == FULL
        assert {each.data["generation"]["id"] for each in sent} == {mine}
        assert int(beginning.id) < int(sent[0].id or 0)


async def test_what_happened_while_nobody_listened_is_told_from_the_beginnings_id(
    gate: Gateway,
) -> None:
    key = await gate.member()
    async with serving(gate.rt) as client:
        async with client.stream("/api/v1/events", key) as stream:
            beginning = await stream.next()
        uuid = await made(gate, key)
        await gate.closed(uuid)
        async with client.stream("/api/v1/events", key, Last_Event_ID=beginning.id or "") as stream:
            assert types(await stream.events(4)) == FULL


async def test_an_administrator_may_listen_to_the_team(gate: Gateway) -> None:
    admin = await gate.member("root", role=Role.ADMIN)
    ada, eve = await gate.member("ada"), await gate.member("eve", team="others")
    async with serving(gate.rt) as client:
        refused = await client.get("/api/v1/events?team=true", ada)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        async with client.stream("/api/v1/events?team=true", admin) as stream:
            await stream.next()
            await made(gate, eve)
            mine = await made(gate, ada)
            sent = await stream.events(4)
            assert {each.data["generation"]["id"] for each in sent} == {mine}


async def test_other_peoples_generations_are_not_there(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    uuid = await made(still_gate, ada)
    for key in (bob, "rg_nobody"):
        answer = await still_gate.http.get(
            f"/api/v1/generations/{uuid}/events", headers={"API-KEY": key}
        )
        assert answer.status_code == (404 if key == bob else 401)


async def test_two_transactions_that_commit_in_the_other_order(still_gate: Gateway) -> None:
    """The first to write is the last to commit: its events come after, and none is lost."""
    key = await still_gate.member(max_open=10)
    first, second = await made(still_gate, key), await made(still_gate, key)
    await all_events_are_readable(still_gate)
    insert = text(
        "INSERT INTO events (generation_id, team_id, member_id, type)"
        " SELECT id, team_id, member_id, :type FROM generations WHERE id = :id RETURNING id"
    )
    async with serving(still_gate.rt) as client, client.stream("/api/v1/events", key) as stream:
        await stream.next()
        async with still_gate.rt.db.begin() as slow:
            early = await slow.scalar(insert, {"id": first, "type": "generation.slow"})
            async with still_gate.rt.db.begin() as quick:
                late = await quick.scalar(insert, {"id": second, "type": "generation.quick"})
            assert early is not None
            assert late is not None
            assert early < late
            # The quick one is committed. It is told once nothing can come before it any more.
            for _ in range(3):
                await still_gate.rt.feed._look()
            assert not any(
                listener.waiting
                for together in still_gate.rt.feed._listeners.values()
                for listener in together
            )
        still_gate.rt.feed.wake()
        sent = await stream.events(2)
        assert [each.id for each in sent] == [str(early), str(late)]
        # One who has seen the first is told the second, whatever their ids.
        async with client.stream("/api/v1/events", key, Last_Event_ID=str(early)) as other:
            assert types(await other.events(1)) == ["generation.quick"]


async def test_a_reader_between_the_two_misses_neither(still_gate: Gateway) -> None:
    """The lower transaction wrote second and committed second: by id alone it would be passed."""
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    await all_events_are_readable(still_gate)
    insert = text(
        "INSERT INTO events (generation_id, team_id, member_id, type)"
        " SELECT id, team_id, member_id, :type FROM generations WHERE id = :id RETURNING id"
    )
    async with serving(still_gate.rt) as client:
        async with still_gate.rt.db.begin() as slow:
            await slow.execute(text("SELECT pg_current_xact_id()"))
            async with still_gate.rt.db.begin() as quick:
                high = await quick.scalar(insert, {"id": uuid, "type": "generation.quick"})
            async with client.stream("/api/v1/events", key) as stream:
                beginning = await stream.next()
            low = await slow.scalar(insert, {"id": uuid, "type": "generation.slow"})
            assert low is not None
            assert high is not None
            assert low > high
        async with client.stream("/api/v1/events", key, Last_Event_ID=beginning.id or "") as stream:
            sent = await stream.events(2)
        assert [each.id for each in sent] == [str(low), str(high)]


async def test_a_heartbeat_keeps_it_open_and_says_how_far_it_is(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_events, "HEARTBEAT_SECONDS", 0.05)
    key = await still_gate.member()
    uuid = await made(still_gate, key)
    async with serving(still_gate.rt) as client:
        async with client.stream(f"/api/v1/generations/{uuid}/events", key) as stream:
            await stream.events(1)
            now = await stream.next()
            assert (now.event, now.id) == ("progress", None)
            assert now.data == {"elapsed_seconds": 0.0, "p50_seconds": None, "p90_seconds": None}
        async with client.stream("/api/v1/events", key) as stream:
            await stream.next()
            await stream.next()
            assert stream.comments == ["still here"]


async def test_a_stop_ends_every_stream_cleanly_and_takes_no_new_one(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = await made(still_gate, key)
    async with serving(still_gate.rt) as client:
        one = client.stream(f"/api/v1/generations/{uuid}/events", key)
        everything = client.stream("/api/v1/events", key)
        async with one as first, everything as second:
            await first.events(1)
            await second.next()
            still_gate.rt.drain()
            assert await first.rest() == []
            assert await second.rest() == []
        # One that comes while it stops is sent away to come again.
        async with client.stream("/api/v1/events", key) as third:
            assert third.response.status_code == 200
            assert types(await third.rest()) == ["listening"]
    assert still_gate.rt.feed.listening == 0


async def test_streams_are_bounded_for_a_member_and_for_the_process(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_events, "MAX_STREAMS_PER_MEMBER", 2)
    async with gateway(database_url, tmp_path, worker=False, max_streams=3) as gate:
        ada, bob = await gate.member("ada"), await gate.member("bob")
        async with serving(gate.rt) as client:
            first, second = (
                client.stream("/api/v1/events", ada),
                client.stream("/api/v1/events", ada),
            )
            async with first as one, second as two:
                await one.next()
                await two.next()
                refused = await client.get("/api/v1/events", ada)
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
                assert refused.headers["retry-after"] == "10"
                async with client.stream("/api/v1/events", bob) as three:
                    await three.next()
                    full = await client.get("/api/v1/events", bob)
                    assert full.status_code == 503
                    assert gate.rt.metrics.registry.get_sample_value("reelgate_streams") == 3
            async with client.stream("/api/v1/events", ada) as again:
                await again.next()


async def test_a_stream_ends_when_its_time_is_over(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_events, "STREAM_SECONDS", 0.01)
    key = await still_gate.member()
    async with serving(still_gate.rt) as client, client.stream("/api/v1/events", key) as stream:
        await stream.next()
        still_gate.rt.feed.wake()
        await made(still_gate, key)
        assert types(await stream.rest()) in ([], ["generation.queued"])


@pytest.mark.parametrize("given", ["abc", "-1", "1.5", "9" * 19, "²"])
async def test_an_event_id_that_is_none_is_refused(still_gate: Gateway, given: str) -> None:
    key = await still_gate.member()
    answer = await still_gate.http.get(
        "/api/v1/events", params={"last_event_id": given}, headers={"API-KEY": key}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "last_event_id"


async def test_a_stream_goes_on_when_the_database_is_back(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_events, "HEARTBEAT_SECONDS", 0.05)
    key = await still_gate.member(max_open=10)
    uuid = await made(still_gate, key)
    await all_events_are_readable(still_gate)
    single = still_gate.rt.db.single
    async with serving(still_gate.rt) as client:
        one = client.stream(f"/api/v1/generations/{uuid}/events", key)
        async with one as watching, client.stream("/api/v1/events", key) as listening:
            await watching.events(1)
            assert (await listening.next()).event == "listening"
            # It is behind what was, for which it asks the database: from here on it only listens.
            await listening.next()
            assert listening.comments == ["still here"]
            with monkeypatch.context() as away:
                away.setattr(still_gate.rt.db, "single", _away)
                still_gate.rt.durations.forget()
                still_gate.rt.feed.wake()
                assert (await watching.next()).event == "progress"
            assert still_gate.rt.db.single == single
            async with still_gate.rt.db.begin() as tx:
                # Whoever was connected is cut off.
                await tx.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE datname = current_database() AND pid <> pg_backend_pid()")
                )  # fmt: skip
            answer = await still_gate.http.post(
                f"/api/v1/generations/{uuid}/cancel", headers={"API-KEY": key}
            )
            if answer.status_code == 503:
                answer = await still_gate.http.post(
                    f"/api/v1/generations/{uuid}/cancel", headers={"API-KEY": key}
                )
            assert answer.status_code == 200, answer.text
            assert types(await listening.events(1)) == ["generation.canceled"]
            ended = [each for each in await watching.rest() if each.event != "progress"]
            assert types(ended) == ["generation.canceled"]


def _away() -> None:
    raise Unavailable("The gateway cannot reach its database right now.")
