"""The plugin of `make check`: leaves out every test that needs Postgres or another process."""

from __future__ import annotations

import pytest

#: Fixtures that start something. A test that uses one, even indirectly, is slow.
_SLOW_FIXTURES = frozenset({"postgres"})
#: Folders and files whose tests start processes without these fixtures.
_SLOW_PATHS = (
    "tests/promises/", "tests/bench/", "tests/chaos/test_chaos.py", "tests/db/test_embedded.py",
    "tests/proxies/test_sent_once.py", "tests/structure/test_install.py",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if _is_slow(item)]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def _is_slow(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.nodeid.startswith(_SLOW_PATHS) or not _SLOW_FIXTURES.isdisjoint(fixtures)
