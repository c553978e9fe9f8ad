"""Processes of their own, with a simulator of its own, are as quick as `reelgate up`."""

from __future__ import annotations

from pathlib import Path

from tests.harness import database
from tests.promises.site import site

#: An empty variable counts as not set.
_DEFAULT = ""
#: Less than the first poll of the upstream itself waits.
_SECONDS = 45.0


def test_a_simulator_apart_is_polled_at_its_own_pace(
    postgres: database.Server, tmp_path: Path
) -> None:
    pace = {"REELGATE_POLL_FIRST_SECONDS": _DEFAULT, "REELGATE_POLL_SECONDS": _DEFAULT}
    with postgres.fresh() as address, site(address, tmp_path, upstream=True, **pace) as apart:
        api = apart.start_api()
        apart.worker()
        caller = apart.caller(api, "apart")
        made = caller.create("a simulator of its own")
        assert caller.until_rest(made, seconds=_SECONDS) == "succeeded"
