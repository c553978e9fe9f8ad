from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import database
from tests.proxies.place import Place, placed


@pytest.fixture(scope="package")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(postgres, tmp_path_factory.mktemp("proxies")) as found:
        yield found
