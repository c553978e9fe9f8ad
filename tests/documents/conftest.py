from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents.commands import standing_in
from tests.harness import database
from tests.harness.processes import Api
from tests.harness.sockets import kept_port
from tests.promises.site import Caller, Site, site


@dataclass(frozen=True, slots=True)
class Place:
    """The gateway of all pages. `receiver` is the port of loopback that its webhooks may go to;
    `reelgate` is the program for its operators."""

    site: Site
    api: Api
    receiver: str
    reelgate: Path

    def unknown(self, caller: Caller) -> str:
        """The id of a generation whose answer was lost."""
        generation_id = caller.create("an answer that is lost [sim:http_504]")
        caller.until_state(generation_id, "unknown")
        return generation_id


@pytest.fixture(scope="package")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        kept_port() as port,
        database.open_folder() as short,
        standing_in(short) as reelgate,
        postgres.fresh() as address,
        site(
            address, folder,
            # Drawing the prompt into each film would take most of the time.
            REELGATE_SIMULATOR_ONE_FILM="true",
            REELGATE_WEBHOOK_INTERNAL_ORIGINS=f"http://127.0.0.1:{port}",
        ) as running,
    ):  # fmt: skip
        api = running.start_api()
        # The worker makes the links in webhooks.
        running.worker(REELGATE_PUBLIC_URL=api.address)
        api.ready()
        _make_quick(running, api)
        yield Place(running, api, str(port), reelgate)
        # Tokens of event streams stand in addresses.
        assert "rg_events_" not in running.logs()


def _make_quick(running: Site, api: Api) -> None:
    """OpenAI's SDK is told to poll as often as similar videos took; without any, it would wait."""
    caller = running.caller(api, "before", team="default")
    for number in range(5):
        answer = api.http.post(
            "/v1/videos",
            json={"prompt": f"before {number}", "seconds": "10", "size": "1280x720"},
            headers={"Authorization": f"Bearer {caller.key}", "Prefer": "wait=500"},
        )
        assert answer.json()["status"] == "completed", answer.text
