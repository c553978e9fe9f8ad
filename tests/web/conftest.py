"""Gateways of real processes for what uses them from outside. They run as installed from a wheel,
in folders of their own: nothing of this repository is there but what the wheel carries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database, wheel
from tests.harness.processes import Api
from tests.harness.wheel import Installed
from tests.promises.site import Site, site


@pytest.fixture(scope="session")
def package() -> Installed:
    return wheel.installed()


@pytest.fixture(scope="package")
def place(
    postgres: database.Server, tmp_path_factory: pytest.TempPathFactory, package: Installed
) -> Iterator[Site]:
    """Every prompt gets one film: drawing each into one of its own would take most of the time."""
    folder = tmp_path_factory.mktemp("pages")
    with (
        postgres.fresh() as address,
        site(address, folder, package.reelgate, REELGATE_SIMULATOR_ONE_FILM="true") as running,
    ):
        running.start_worker()
        yield running


@pytest.fixture(scope="package")
def api(place: Site) -> Api:
    return place.start_api().ready()
