"""Storms of fixed seeds. `python -m tests.storms` meets every oddity there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.storms import draw, storm, verdict
from tests.storms.place import Place, place

#: So many odd answers, with half as many videos between them whose answers are good.
SIZE = 28
STORMS = {
    "bytes": ["posts heads", "posts informational", "posts framing", "posts packing"],
    "answers": ["posts documents", "posts redirects", "posts refusals", "posts connections"],
    "records": ["posts states", "posts echoes", "looks states", "looks echoes", "looks results"],
    "looks": ["looks transport"],
    "downloads": ["downloads"],
}


@pytest.mark.parametrize("name", STORMS)
def test_every_promise_is_kept_in_a_storm_of(stormy: Place, name: str) -> None:
    drawn = draw.sample(STORMS[name], seed=len(name), size=SIZE)
    found = storm.run(stormy, draw.wishes(drawn, seed=f"of {name}"))
    assert verdict.findings(stormy, found) == []


def test_every_promise_is_kept_while_a_worker_is_killed(stormy: Place) -> None:
    drawn = draw.sample(draw.KINDS, seed=9, size=SIZE)
    wishes = draw.wishes(drawn, seed="with a killed worker")
    found = storm.run(stormy, wishes, meanwhile=stormy.kill_worker)
    assert verdict.findings(stormy, found, killed=True) == []


@pytest.fixture
def held(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A gateway whose creates wait for the video."""
    folder = tmp_path_factory.mktemp("held")
    with (
        postgres.fresh() as address,
        place(address, folder, REELGATE_UPSTREAM_ASYNC="false") as running,
    ):
        yield running


def test_every_promise_is_kept_where_creates_are_held(held: Place) -> None:
    kinds = [kind for kind in draw.KINDS if kind.startswith("posts")]
    drawn = draw.sample(kinds, seed=5, size=SIZE, held=True)
    found = storm.run(held, draw.wishes(drawn, seed="of held creates"))
    assert verdict.findings(held, found) == []
