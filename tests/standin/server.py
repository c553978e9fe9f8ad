"""The stand-in itself: connections, routes, and the oddities of the script on their way out."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

from tests.harness.listening import stop_listening
from tests.standin import refusals, storage
from tests.standin.accounts import RATE_PER_MINUTE, Account
from tests.standin.answers import Answer, encode, json_answer
from tests.standin.journal import Journal, Post
from tests.standin.records import Record
from tests.standin.requests import MAX_HEAD_BYTES, BadRequest, Request, read_request
from tests.standin.script import Oddity, Point, Scene, Script
from tests.standin.shelf import Shelf
from tests.standin.wire import Wire

#: Of every Luma video, in the catalogue of 2026-03-30.
PRICE = 150_000
#: Below it lies what only odd redirects and links name.
ELSEWHERE = "/elsewhere/"
_FEATURES, _RESULTS = "/api/features", "/api/results/"


class StandIn:
    """`render_seconds` is how long a video takes; `rate_per_minute` holds for each key."""

    def __init__(
        self,
        keys: Iterable[str],
        *,
        render_seconds: float = 0.05,
        rate_per_minute: int = RATE_PER_MINUTE,
        price: int = PRICE,
    ) -> None:
        self.accounts = {
            key: Account(key, number, rate_per_minute=rate_per_minute)
            for number, key in enumerate(keys, start=1)
        }
        self.script, self.journal, self.shelf = Script(), Journal(), Shelf("")
        self.render_seconds, self.price = render_seconds, price
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, limit=MAX_HEAD_BYTES
        )
        port = self._server.sockets[0].getsockname()[1]
        self.shelf.origin = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await stop_listening(self._server)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def address(self) -> str:
        return self.shelf.origin

    @property
    def canaries(self) -> tuple[str, ...]:
        """What no caller and no log may show."""
        owners = [canary for account in self.accounts.values() for canary in account.canaries]
        return (*owners, storage.CREDENTIAL, "X-Amz-Signature")

    # Connections

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        number = self.journal.connected()
        try:
            await self._serve(reader, writer, number)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            # Only the end of the stand-in cancels it, and asyncio's streams complain of that.
            pass
        except BadRequest as bad:
            self.journal.failures.append(f"connection {number}: {bad}")
        except Exception:
            self.journal.failures.append(traceback.format_exc())
        finally:
            self._connections.discard(task)
            self.journal.disconnected()
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        wire = Wire(writer)
        while (request := await read_request(reader, writer, number)) is not None:
            self.journal.requests.append(request)
            answer, oddities = await self._answer(request)
            self.journal.met.update(oddity.name for oddity in oddities)
            await _send(wire, answer, oddities)
            if wire.ended or answer.closes or not request.keeps_alive:
                return

    # Routes

    async def _answer(self, request: Request) -> tuple[Answer, tuple[Oddity, ...]]:
        path = request.path
        if path == _FEATURES and request.method == "POST":
            return await self._create(request)
        if path.startswith(_RESULTS) and request.method == "GET":
            return self._look(request, path.removeprefix(_RESULTS))
        if path.startswith(storage.BUCKET):
            return self._download(request)
        if path.startswith(ELSEWHERE):
            self.journal.strays.append(request)
        return refusals.not_found(request.method, path), ()

    def _account(self, request: Request) -> Account | None:
        account = self.accounts.get(request.header("api-key") or "")
        return account if account is not None and account.active else None

    async def _create(self, request: Request) -> tuple[Answer, tuple[Oddity, ...]]:
        document = request.json()
        post = Post(request=request, prompt=request.prompt or "", repeatable=True)
        self.journal.posts.append(post)
        account = self._account(request)
        refusal = self._refusal(account, document)
        if account is None or refusal is not None:
            return refusal or refusals.bad_key(), ()
        oddities, other = self.script.take(Point.POST, request.prompt)
        post.oddities = tuple(oddity.name for oddity in oddities)
        post.repeatable = any(oddity.repeatable for oddity in oddities)
        if not all(oddity.processed for oddity in oddities):
            return _changed(
                Answer(status=200), oddities, Scene(request, None, self.shelf)
            ), oddities
        record = self._render(account, document)
        scene = Scene(request, record, self.shelf, other)
        for oddity in oddities:
            if oddity.record is not None:
                oddity.record(record, scene)
        self.shelf.add(record)
        account.used += record.price
        post.uuid, post.billed = record.uuid, record.price
        if document.get("async") is not True:
            await _until(record.ready_at)
        return self._about(record, scene, oddities), oddities

    def _refusal(self, account: Account | None, document: Any) -> Answer | None:
        if account is None:
            return refusals.bad_key()
        if not account.may_ask():
            return refusals.rate_limited()
        left = account.credit_limit - account.used
        if left < self.price:
            return refusals.out_of_credits(self.price, left)
        return refusals.refusal(document)

    def _render(self, account: Account, document: dict[str, Any]) -> Record:
        asked = {name: document[name] for name in ("type", "model", "promptObject")}
        ready_at = time.monotonic() + self.render_seconds
        return Record(account=account, asked=asked, ready_at=ready_at, price=self.price)

    def _look(self, request: Request, uuid: str) -> tuple[Answer, tuple[Oddity, ...]]:
        """An unknown id, and one of another account's, is answered 200 with a null."""
        account = self._account(request)
        if account is None:
            return refusals.bad_key(), ()
        if not account.may_ask():
            return refusals.rate_limited(), ()
        record = self.shelf.find(uuid)
        if record is None or record.account is not account:
            return json_answer({"aiRecord": None}), ()
        oddities, other = self.script.take(Point.LOOK, record.prompt)
        scene = Scene(request, record, self.shelf, other)
        return self._about(record, scene, oddities), oddities

    def _about(self, record: Record, scene: Scene, oddities: tuple[Oddity, ...]) -> Answer:
        document: Any = self.shelf.document(record)
        for oddity in oddities:
            if oddity.document is not None:
                document = oddity.document(document, scene)
        return _changed(json_answer(document), oddities, scene)

    def _download(self, request: Request) -> tuple[Answer, tuple[Oddity, ...]]:
        refusal = storage.refusal(request)
        if refusal is not None:
            return refusal, ()
        found = self.shelf.film(request.path.removeprefix(storage.BUCKET))
        if found is None:
            return storage.xml_error(404, "NoSuchKey"), ()
        record, film = found
        oddities, other = self.script.take(Point.DOWNLOAD, record.prompt)
        scene = Scene(request, record, self.shelf, other)
        return _changed(storage.send(film, request), oddities, scene), oddities


def _changed(answer: Answer, oddities: tuple[Oddity, ...], scene: Scene) -> Answer:
    for oddity in oddities:
        if oddity.answer is not None:
            answer = oddity.answer(answer, scene)
    return answer


async def _send(wire: Wire, answer: Answer, oddities: tuple[Oddity, ...]) -> None:
    """Of several odd encodings, and of several ways to send, the last one counts."""
    encoding: Callable[[Answer], bytes] = encode
    sending: Callable[[Wire, bytes], Awaitable[None]] = Wire.send
    for oddity in oddities:
        encoding, sending = oddity.encode or encoding, oddity.send or sending
    await sending(wire, encoding(answer))


async def _until(ready_at: float) -> None:
    """Of a video that is never ready, until the connection's task is canceled."""
    if ready_at == float("inf"):
        await asyncio.Event().wait()
    await asyncio.sleep(max(0.0, ready_at - time.monotonic()))
