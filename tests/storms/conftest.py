from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.storms.place import Place, place


@pytest.fixture(scope="package")
def stormy(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One gateway and one stand-in for all storms: each has prompts of its own."""
    folder = tmp_path_factory.mktemp("storms")
    with postgres.fresh() as address, place(address, folder) as running:
        yield running
