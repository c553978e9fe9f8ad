from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.harness.processes import Api
from tests.promises.site import Site, site


@pytest.fixture(scope="module")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One database and one upstream for the tests of a file; each test starts its own workers."""
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def api(place: Site) -> Api:
    """The API process of a file's tests."""
    return place.start_api()


@pytest.fixture
def workers(place: Site) -> Iterator[Site]:
    """A site whose workers end with the test."""
    yield place
    place.end_workers()
