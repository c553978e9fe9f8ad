from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.harness.processes import Api
from tests.promises.site import Site, site


@pytest.fixture(scope="package")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One database and one upstream for all tests of workers. Each test starts its own workers."""
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="package")
def api(place: Site) -> Api:
    """An API process that no test ends."""
    return place.start_api()


@pytest.fixture
def workers(place: Site) -> Iterator[Site]:
    """The site; its workers end with the test."""
    yield place
    place.end_workers()
