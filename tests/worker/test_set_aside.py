"""Videos that end what reads them: each read is counted before it begins, and after three in a row
the file is kept, shown, and read no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import pytest

from app.db import assets
from app.db.assets import INTERRUPTED
from app.domain.assets import AssetState
from app.errors import NotSetAside
from app.operators import doctor
from app.videos import retry, set_aside, verify
from app.videos.decoder import Decoder
from app.worker import archiving
from tests.harness.actors import TESTER
from tests.harness.gateway import Gateway
from tests.harness.poison import PROGRAM, poisoned
from tests.harness.traces import execute, one
from tests.simulator.conftest import until
from tests.standin import films
from tests.standin.gateway import before, instead, succeeded
from tests.standin.raw import KEY
from tests.standin.server import StandIn
from tests.videos.videos import delete, file_of, files_in
from tests.worker.test_archiving import trouble
from tests.worker.test_lost_news import finished

POISON = poisoned(films.plain_film(720, 720, 5), "kill")


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with StandIn([KEY], render_seconds=0.01, rate_per_minute=10**6) as running:
        yield running


@pytest.fixture
async def gate(
    stand_in: StandIn, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    """Its decoder ends where it is given a poisoned file."""
    monkeypatch.setattr(archiving, "_FIRST_RETRY_SECONDS", 0.05)
    async with before(stand_in, database_url, tmp_path) as running:
        decoder = running.rt.decoder = running.worker.decoder = Decoder(program=PROGRAM)
        yield running
        await running.stop_workers()
        await decoder.close()


async def shown(gate: Gateway) -> dict[UUID, tuple[str, int, str | None]]:
    """What an operator sees of the videos that are not safely in the archive."""
    async with gate.rt.db.single() as tx:
        found = await assets.list_unarchived(tx, limit=50)
    return {each.generation_id: (each.state, each.attempts, each.last_error) for each in found}


async def until_set_aside(gate: Gateway, generation_id: UUID) -> None:
    async def there() -> bool:
        return (await trouble(gate, str(generation_id)))[0] == AssetState.SET_ASIDE

    await until(there)


async def test_a_file_that_ends_its_reader_is_set_aside_and_the_others_are_archived(
    gate: Gateway, stand_in: StandIn
) -> None:
    key = await gate.member()
    instead(stand_in, POISON, times=3)
    hurt = await succeeded(gate, key, "poison")
    await until_set_aside(gate, hurt)
    assert await trouble(gate, str(hurt)) == ("set_aside", 3, "decoder_ended")
    await gate.archived(str(await succeeded(gate, key, "another")))

    # The bytes are kept, and no caller is given them.
    generation = await gate.generation(hurt)
    assert file_of(gate, generation).read_bytes() == POISON
    for path in ("content", "thumbnail"):
        answer = await gate.http.get(f"/api/v1/generations/{hurt}/{path}", headers={"API-KEY": key})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready"), path
    own = await gate.http.get(f"/api/v1/generations/{hurt}", headers={"API-KEY": key})
    assert own.json()["video"]["state"] == "set_aside"
    assert own.json()["video"]["url"] is None
    openai = await gate.http.get(f"/v1/videos/{hurt}/content", headers={"API-KEY": key})
    assert openai.status_code in (404, 409), openai.text

    # It is shown to operators.
    assert await shown(gate) == {hurt: ("set_aside", 3, "decoder_ended")}
    metrics = (await gate.http.get("/metrics")).text
    assert 'reelgate_assets{state="set_aside"} 1.0' in metrics
    assert "reelgate_decoder_ended_total 3.0" in metrics
    assert 'reelgate_archived_total{outcome="set_aside"} 1.0' in metrics
    found = [
        each
        async for each in doctor.examine(gate.worker, gate.worker.upstream)
        if each.name == "videos"
    ]
    assert [asdict(each) for each in found] == [
        {"name": "videos", "ok": None, "detail": "1 set_aside: see `reelgate archive list`"}
    ]
    assert await verify.find_orphans(gate.rt) == []


async def test_a_worker_that_dies_with_its_reader_counts_too(
    gate: Gateway, stand_in: StandIn
) -> None:
    """Of an attempt that is killed only what was written before it began is left."""
    key = await gate.member()
    await gate.stop_workers()
    hurt = await finished(gate, key)
    instead(stand_in, poisoned(films.plain_film(720, 720, 5), "wait"))
    for attempt in (1, 2, 3):
        reading = asyncio.create_task(archiving.archive(gate.worker, hurt))
        await until(lambda: _is_read(gate, hurt, attempt))  # noqa: B023 - awaited here
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert await trouble(gate, str(hurt)) == ("pending", attempt, INTERRUPTED)
    await archiving.archive(gate.worker, hurt)
    assert await trouble(gate, str(hurt)) == ("set_aside", 4, "decoder_ended")
    folder = gate.rt.settings.data_dir / "archive"
    generation = await gate.generation(hurt)
    assert [folder / name for name in files_in(folder)] == [file_of(gate, generation)]


@pytest.fixture
async def unhurt() -> AsyncIterator[Decoder]:
    made = Decoder()
    yield made
    await made.close()


async def test_what_is_set_aside_can_be_tried_again(
    gate: Gateway, stand_in: StandIn, unhurt: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await gate.member()
    instead(stand_in, POISON)
    hurt = await succeeded(gate, key)
    await until_set_aside(gate, hurt)
    # With a decoder that is not hurt by it.
    monkeypatch.setattr(gate.worker, "decoder", unhurt)
    await retry.retry_archiving(gate.rt, hurt, actor=TESTER)
    generation = await gate.archived(str(hurt))
    assert generation.asset is not None
    assert (generation.asset.width, generation.asset.codec) == (720, "h264")

    async def alone() -> bool:
        return len(files_in(gate.rt.settings.data_dir / "archive")) == 1

    # The one that was set aside goes once the other is recorded.
    await until(alone)
    with pytest.raises(NotSetAside):
        await retry.retry_archiving(gate.rt, hurt, actor=TESTER)


async def test_what_is_set_aside_can_be_accepted_as_it_is(gate: Gateway, stand_in: StandIn) -> None:
    key = await gate.member()
    instead(stand_in, POISON)
    hurt = await succeeded(gate, key)
    await until_set_aside(gate, hurt)
    told = "SELECT count(*) AS times FROM events WHERE type = 'video.archived'"
    assert await one(gate, told) == {"times": 0}
    await set_aside.accept(gate.rt, hurt, actor=TESTER)
    assert await one(gate, told) == {"times": 1}
    content = await gate.http.get(f"/api/v1/generations/{hurt}/content", headers={"API-KEY": key})
    assert (content.status_code, content.content) == (200, POISON)
    # It is still not read.
    picture = await gate.http.get(f"/api/v1/generations/{hurt}/thumbnail", headers={"API-KEY": key})
    assert picture.status_code == 404
    assert (await gate.http.get("/metrics")).text.count("reelgate_decoder_ended_total 3.0") == 1
    with pytest.raises(NotSetAside):
        await set_aside.accept(gate.rt, hurt, actor=TESTER)


async def test_what_is_set_aside_can_be_deleted(gate: Gateway, stand_in: StandIn) -> None:
    key = await gate.member()
    instead(stand_in, POISON)
    hurt = await succeeded(gate, key)
    await until_set_aside(gate, hurt)
    assert (await delete(gate, key, hurt)).status_code == 204
    assert files_in(gate.rt.settings.data_dir / "archive") == []
    assert (await gate.generation(hurt)).asset.state == "deleted"  # type: ignore[union-attr]


async def test_a_picture_that_ends_its_reader_is_not_made_a_fourth_time(
    gate: Gateway, stand_in: StandIn
) -> None:
    key = await gate.member()
    hurt = await succeeded(gate, key)
    generation = await gate.archived(str(hurt))
    file_of(gate, generation).write_bytes(POISON)
    for times in (1, 2, 3, 3):
        answer = await gate.http.get(
            f"/api/v1/generations/{hurt}/thumbnail", headers={"API-KEY": key}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        metrics = (await gate.http.get("/metrics")).text
        assert f"reelgate_decoder_ended_total {times}.0" in metrics


async def test_a_read_that_ends_takes_the_count_back(gate: Gateway, stand_in: StandIn) -> None:
    key = await gate.member()
    hurt = await succeeded(gate, key)
    await gate.archived(str(hurt))
    await execute(gate, "UPDATE assets SET unfinished_reads = 2")
    answer = await gate.http.get(f"/api/v1/generations/{hurt}/thumbnail", headers={"API-KEY": key})
    assert answer.status_code == 200, answer.text
    assert await _is_read(gate, hurt, 0)


async def _is_read(gate: Gateway, generation_id: UUID, times: int) -> bool:
    row = await one(gate, "SELECT unfinished_reads FROM assets WHERE generation_id = :id",
                    id=generation_id)  # fmt: skip
    return bool(row["unfinished_reads"] == times)
