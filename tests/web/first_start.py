"""`reelgate up`, as somebody starts it for the first time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness.database import open_folder
from tests.harness.processes import Api, ending_processes
from tests.harness.wheel import Installed

_QUICK = {
    "REELGATE_PORT": "0", "REELGATE_SIMULATOR_PORT": "0", "REELGATE_SIMULATOR_SPEED": "100000",
}  # fmt: skip


class Calls:
    """The REST API, with one key."""

    def __init__(self, api: Api, key: str) -> None:
        self._api, self._headers = api, {"API-KEY": key}

    def get(self, path: str) -> Any:
        answer = self._api.http.get(f"/api/v1{path}", headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        answer = self._api.http.post(
            f"/api/v1{path}", json=body, headers={**self._headers, **headers}
        )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What it prints: a link that signs the first operator in, and that one's key."""

    api: Api
    link: str
    key: str

    def calls(self, key: str | None = None) -> Calls:
        return Calls(self.api, key or self.key)


@contextlib.contextmanager
def first_start(package: Installed, **settings: str) -> Iterator[FirstStart]:
    with open_folder() as folder, ending_processes() as processes:
        api = Api(
            "up", folder=folder, name="up", settings=_QUICK | settings, program=[package.reelgate]
        )
        processes.append(api)
        api.ready()
        link = re.search(r"http://\S+/app/sign-in#rg_link_\S+", api.printed)
        key = re.search(r"^ +(rg_\S+)$", api.printed, re.MULTILINE)
        assert link
        assert key
        yield FirstStart(api, link[0], key[1])
        # Gently, so that its Postgres ends with it.
        api.interrupt()
        api.exit_code()
