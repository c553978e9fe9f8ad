"""Those who are told by webhook: they verify what comes, and some of them refuse or hang first."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from tests.chaos.plan import Ask
from tests.upstream.loopback import Connection, Request, http

#: What the libraries of receivers allow between their clock and that of who signs.
_TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Heard:
    """A webhook that its receiver took."""

    number: int
    message: str
    type: str
    generation: str


class Receivers:
    """One for each ask that wants to be told, by the path it is told at. `secrets` are the callback
    secrets of the people, in their order."""

    def __init__(self, asks: Sequence[Ask], secrets: Sequence[str]) -> None:
        self.heard: list[Heard] = []
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()
        self._secrets = secrets
        self._asks: Mapping[int, Ask] = {ask.number: ask for ask in asks if ask.told}
        self._moods = {number: list(ask.moods) for number, ask in self._asks.items()}

    async def take(self, connection: Connection) -> None:
        request = await connection.request()
        number = int(request.path.removeprefix("/"))
        verdict = self._verdict(number, request)
        self.done[verdict] += 1
        match verdict:
            case "hung":
                await connection.until_hung_up()
            case "taken":
                await connection.send(http(204))
            case _:
                await connection.send(http(500 if verdict == "refused" else 400))

    def _verdict(self, number: int, request: Request) -> str:
        secret = self._secrets[self._asks[number].member]
        if not _signed(request, secret):
            self.wrong.append(f"{number:05} was told something that it cannot verify")
            return "not verified"
        if abs(time.time() - int(request.headers["webhook-timestamp"])) > _TOLERANCE_SECONDS:
            # The clock of a worker was turned.
            return "of another time"
        if self._moods[number]:
            return self._moods[number].pop(0)
        event = json.loads(request.body)
        self.heard.append(
            Heard(number, request.headers["webhook-id"], event["type"], event["data"]["id"])
        )
        return "taken"


def _signed(request: Request, secret: str) -> bool:
    """Whenever it was signed: that is looked at apart."""
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(request.headers["webhook-id"], at, request.body.decode())
    return signature in request.headers["webhook-signature"].split(" ")
