from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.limits import Limits
from tests.harness import database
from tests.harness.processes import Api
from tests.promises.site import Caller, Site, site

#: More than any test asks for.
ROOMY = Limits(
    credit_limit=10**15, rate_per_minute=60_000, rate_burst=60_000, max_open=1_000_000
)  # fmt: skip


@pytest.fixture(scope="package")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One gateway for all clients. Nobody is kept waiting for long."""
    folder = tmp_path_factory.mktemp("clients")
    with postgres.fresh() as address, site(address, folder, REELGATE_WAIT_SECONDS="5") as running:
        running.start_worker()
        yield running


@pytest.fixture(scope="package")
def api(place: Site) -> Api:
    return place.start_api().ready()


@pytest.fixture(scope="package")
def caller(place: Site, api: Api) -> Caller:
    return place.caller(api, "ada", limits=ROOMY)
