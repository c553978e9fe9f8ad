"""A status that nobody documented, beside a file: the film decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.db import upstream_answers
from app.domain.assets import AssetState
from app.domain.generation import State
from app.generations import lifecycle
from app.worker import archiving, polls, submissions
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, body, running_gateway, settings_for
from tests.standin.films import film_for, sha256
from tests.standin.oddities import ODDITIES
from tests.standin.raw import KEY
from tests.standin.script import Oddity, Point, Scene
from tests.standin.server import StandIn
from tests.videos.videos import files_in
from tests.worker.test_submissions import PRICE, used, work_of

PROMPT = "an otter crosses the square, slowly and in the rain"
OTHER = "a crane lifts the moon over the town, and nobody looks up"


def saying(word: object) -> Oddity:
    """The word where the record says SUCCESS; the path and the link beside it stay."""

    def change(document: Any, _: Scene) -> Any:
        document["aiRecord"]["status"] = word
        return document

    return Oddity(name="said", document=change)


def without_link(document: Any, _: Scene) -> Any:
    document["aiRecord"]["temporaryUrl"] = None
    return document


@dataclass
class Place:
    gate: Gateway
    stand_in: StandIn
    clock: HandClock
    folder: Path
    key: str = ""

    async def submitted(self, prompt: str = PROMPT, *, says: object = "PROCESSING") -> UUID:
        """Sent, and answered with this word, though the video is made at once."""
        self.stand_in.script.on(Point.POST, saying(says), prompt=prompt)
        made = await self.gate.create(self.key, body(prompt, aspectRatio="1:1"))
        uuid = UUID(made.json()["aiRecord"]["uuid"])
        await submissions.submit(self.gate.worker, uuid)
        return uuid

    async def looked(self, uuid: UUID) -> None:
        """A poll, and what it left to the archive's lane."""
        await polls.poll(self.gate.worker, uuid)
        await archiving.archive(self.gate.worker, uuid)

    async def state(self, uuid: UUID) -> tuple[State, str | None]:
        work = await work_of(self.gate, str(uuid))
        return work.state, work.unknown_reason

    @property
    def downloads(self) -> int:
        paths = (request.path for request in self.stand_in.journal.requests)
        return sum(path.startswith("/asset.1min.ai/") for path in paths)

    @property
    def files(self) -> list[str]:
        return files_in(self.folder / "archive")


@asynccontextmanager
async def place(database_url: str, folder: Path, **changes: Any) -> AsyncIterator[Place]:
    """Without a worker: the test itself submits, polls and archives."""
    async with StandIn([KEY], render_seconds=0.0, rate_per_minute=10**6) as stand_in:
        settings = settings_for(database_url, folder, simulator_url=stand_in.address, **changes)
        clock = HandClock()
        async with running_gateway(settings, worker=False, clock=clock) as gate:
            yield Place(gate, stand_in, clock, folder, await gate.member())
        assert stand_in.journal.failures == []


@pytest.mark.parametrize("word", ["COMPLETED", "Fertig", "", None, 2, "REJECTED"])
@pytest.mark.parametrize("held", [False, True])
async def test_a_whole_film_is_a_success_whatever_the_word(
    database_url: str, tmp_path: Path, word: object, held: bool
) -> None:
    async with place(database_url, tmp_path, upstream_async=not held) as there:
        there.stand_in.script.on(Point.LOOK, saying(word), times=None)
        uuid = await there.submitted(says=word)
        assert await there.state(uuid) == (State.RUNNING, None)
        await there.looked(uuid)
        assert await there.state(uuid) == (State.SUCCEEDED, None)
        await archiving.archive(there.gate.worker, uuid)
        generation = await there.gate.generation(uuid)
        asset = generation.asset
        assert asset is not None
        assert asset.state is AssetState.ARCHIVED
        asked = {"prompt": PROMPT, "aspectRatio": "1:1", "resolution": "720p", "duration": "5s"}
        assert asset.sha256 == sha256(film_for(asked))
        assert generation.settled == PRICE
        # What was downloaded to look at it is what is archived.
        assert there.downloads == 1
        assert there.files == [asset.path]


@pytest.mark.parametrize(
    "name", ["film_cut", "film_html", "film_empty", "film_404", "film_reset", "film_poison"]
)
async def test_a_film_that_is_not_whole_says_nothing_and_is_looked_at_again(
    database_url: str, tmp_path: Path, name: str
) -> None:
    async with place(database_url, tmp_path) as there:
        there.stand_in.script.on(Point.LOOK, saying("DONE"), times=None)
        there.stand_in.script.on(Point.DOWNLOAD, ODDITIES[name])
        uuid = await there.submitted()
        await there.looked(uuid)
        assert await there.state(uuid) == (State.RUNNING, None)
        assert there.files == []
        assert await used(there.gate, there.key) == PRICE
        await there.looked(uuid)
        assert await there.state(uuid) == (State.SUCCEEDED, None)


async def test_what_is_not_confirmed_in_time_is_unknown_and_its_link_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with place(database_url, tmp_path) as there:
        there.stand_in.script.on(Point.LOOK, saying("DONE"), times=None)
        there.stand_in.script.on(Point.DOWNLOAD, ODDITIES["film_html"], times=2)
        uuid = await there.submitted()
        await there.looked(uuid)
        there.clock.move(there.gate.rt.settings.running_seconds + 1)
        await there.looked(uuid)
        assert await there.state(uuid) == (State.UNKNOWN, "unconfirmed")
        assert await used(there.gate, there.key) == PRICE
        async with there.gate.rt.db.single() as tx:
            kept = await upstream_answers.find(tx, uuid)
        (made,) = there.stand_in.shelf.made_for(PROMPT)
        assert kept is not None
        assert kept.answer is not None
        for said in ('"DONE"', made.path, "X-Amz-Signature="):
            assert said in kept.answer
        # It goes on being looked at, and what an operator need not do is done by itself.
        await there.looked(uuid)
        assert await there.state(uuid) == (State.SUCCEEDED, None)


async def test_a_film_of_another_is_not_even_fetched(database_url: str, tmp_path: Path) -> None:
    async with place(database_url, tmp_path) as there:
        await there.submitted(OTHER)
        there.stand_in.script.on(Point.LOOK, saying("DONE"), ODDITIES["echo_of_another"],
                                 prompt=PROMPT, times=None, other=OTHER)  # fmt: skip
        uuid = await there.submitted()
        await there.looked(uuid)
        assert await there.state(uuid) == (State.UNKNOWN, "record_of_another")
        assert there.downloads == 0


async def test_a_record_that_becomes_anothers_while_its_film_is_fetched_ends_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(database_url, tmp_path) as there:
        there.stand_in.script.on(Point.LOOK, saying("DONE"), times=None)
        uuid = await there.submitted()
        await polls.poll(there.gate.worker, uuid)
        probe = there.gate.worker.decoder.probe

        async def disputed(file: Path) -> Any:
            work = await work_of(there.gate, str(uuid))
            async with lifecycle.begin(there.gate.worker) as transaction:
                await lifecycle.dispute(transaction, work, reason="upstream_id_repeated")
            return await probe(file)

        monkeypatch.setattr(there.gate.worker.decoder, "probe", disputed)
        await archiving.archive(there.gate.worker, uuid)
        assert await there.state(uuid) == (State.UNKNOWN, "upstream_id_repeated")
        assert there.files == []


@pytest.mark.parametrize("later", ["PROCESSING", "FAILED"])
async def test_what_the_record_says_by_then_is_for_the_next_poll(
    database_url: str, tmp_path: Path, later: str
) -> None:
    async with place(database_url, tmp_path) as there:
        there.stand_in.script.on(Point.LOOK, saying("DONE"))
        there.stand_in.script.on(Point.LOOK, saying(later), times=None)
        uuid = await there.submitted()
        await there.looked(uuid)
        assert await there.state(uuid) == (State.RUNNING, None)
        assert there.downloads == 0


async def test_a_word_without_a_link_is_no_end(database_url: str, tmp_path: Path) -> None:
    async with place(database_url, tmp_path) as there:
        oddities = saying("DONE"), Oddity(name="link_null", document=without_link)
        there.stand_in.script.on(Point.LOOK, *oddities, times=None)
        uuid = await there.submitted()
        await there.looked(uuid)
        assert await there.state(uuid) == (State.RUNNING, None)
