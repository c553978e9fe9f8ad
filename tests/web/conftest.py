"""One gateway of real processes for what uses it from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.harness.processes import Api
from tests.promises.site import Site, site


@pytest.fixture(scope="package")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Every prompt gets one film: drawing each into one of its own would take most of the time."""
    folder = tmp_path_factory.mktemp("pages")
    with (
        postgres.fresh() as address,
        site(address, folder, REELGATE_SIMULATOR_ONE_FILM="true") as running,
    ):
        running.start_worker()
        yield running


@pytest.fixture(scope="package")
def api(place: Site) -> Api:
    return place.start_api().ready()
