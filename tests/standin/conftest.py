from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.standin.raw import KEY, OTHER_KEY
from tests.standin.server import StandIn


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with StandIn([KEY, OTHER_KEY], render_seconds=0.01) as running:
        yield running
        assert running.journal.failures == []
