"""How often archiving a video goes to Postgres and back, and what it has written by then."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from app.db import archive_attempts
from app.domain.assets import Probe
from app.domain.generation import video_path
from app.videos.decoder import Decoder, DecoderEnded
from app.worker import archiving
from tests.generations.test_round_trips import followed
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import one
from tests.worker.test_lost_news import finished

#: The attempt and its claim; the read that begins; and the transaction that records: its beginning
#: and end, the row, and the event with its deliveries.
_TRIPS = 1 + 1 + 4
#: The driver prepares a statement, with one more trip, once a connection has seen it five times.
_UNTIL_PREPARED = 8


async def test_archiving_takes_six_trips(database_url: str, tmp_path: Path) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            trips = 0
            for _ in range(_UNTIL_PREPARED):
                uuid = await finished(gate, key)
                before = wire.trips()
                await archiving.archive(gate.worker, uuid)
                trips = wire.trips() - before
                assert (await gate.archived(str(uuid))).asset is not None
            assert trips == _TRIPS


async def row_of(gate: Gateway, uuid: UUID) -> dict[str, object]:
    return dict(await one(
        gate,
        "SELECT state, path, attempts, unfinished_reads FROM assets WHERE generation_id = :id",
        id=uuid,
    ))  # fmt: skip


async def test_an_attempt_claims_the_path_that_its_name_is_made_for(still_gate: Gateway) -> None:
    uuid = await finished(still_gate, await still_gate.member())
    direct = still_gate.rt.db.direct
    first = await archive_attempts.begin(direct, uuid, token="1a")
    assert first is not None
    assert first.pending is not None
    assert first.path == video_path(uuid, first.work.created_at, token="1a")
    assert (first.claimed, first.pending.path, first.pending.attempts) == (True, None, 1)
    assert (await row_of(still_gate, uuid))["path"] == first.path
    # It may still be alive: a second one has to look at its file before it takes the claim away.
    second = await archive_attempts.begin(direct, uuid, token="2b")
    assert second is not None
    assert second.pending is not None
    assert (second.claimed, second.pending.path, second.pending.attempts) == (False, first.path, 2)
    assert (await row_of(still_gate, uuid))["path"] == first.path
    await archiving.archive(still_gate.worker, uuid)
    assert (await row_of(still_gate, uuid)) | {"path": None} == {
        "state": "archived", "path": None, "attempts": 3, "unfinished_reads": 0,
    }  # fmt: skip
    third = await archive_attempts.begin(direct, uuid, token="3c")
    assert third is not None
    assert third.pending is None


async def test_nothing_is_begun_for_a_generation_that_is_gone(still_gate: Gateway) -> None:
    none = UUID(int=1)
    assert await archive_attempts.begin(still_gate.rt.db.direct, none, token="1a") is None
    await archiving.archive(still_gate.worker, none)


async def test_a_read_is_counted_while_it_lasts_and_no_longer(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = await finished(still_gate, await still_gate.member())
    probe, counts = Decoder.probe, list[object]()

    async def counted(decoder: Decoder, path: Path) -> Probe:
        counts.append((await row_of(still_gate, uuid))["unfinished_reads"])
        if len(counts) == 1:
            raise DecoderEnded("as if")
        return await probe(decoder, path)

    monkeypatch.setattr(Decoder, "probe", counted)
    await archiving.archive(still_gate.worker, uuid)
    assert (await row_of(still_gate, uuid))["unfinished_reads"] == 1
    await archiving.archive(still_gate.worker, uuid)
    assert counts == [1, 2]
    assert (await row_of(still_gate, uuid))["unfinished_reads"] == 0
