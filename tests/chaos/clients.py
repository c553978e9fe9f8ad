"""The people who want videos: impatient, forgetful, and correct in what they send."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx

from app.domain.generation import FINAL
from tests.chaos.answers import Answer
from tests.chaos.faults import BREAKS_OFF
from tests.chaos.plan import Ask
from tests.chaos.receivers import Heard
from tests.chaos.site import Site, plain_http
from tests.harness.gateway import body
from tests.harness.pictures import picture
from tests.inputs.calling import image_body

#: Longer than a create waits: no answer within it means that there is none.
PATIENCE_SECONDS = 30.0
_MOST_TRIES = 8
_LONGEST_PAUSE_SECONDS = 2.0
_MOST_LOOKS = 10


@dataclass(slots=True)
class Ledger:
    """What the clients saw. `accepted`: number of the ask → ids it was answered with."""

    answers: list[Answer] = field(default_factory=list)
    accepted: dict[int, set[str]] = field(default_factory=dict)
    canceled: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    heard: Sequence[Heard] = ()
    done: Counter[str] = field(default_factory=Counter)


class Sending:
    """How long it takes to connect and send a request, in the words of the client's own trace."""

    def __init__(self) -> None:
        self._begin = self._sent = time.monotonic()

    async def note(self, what: str, _: object) -> None:
        if what == "connection.connect_tcp.started":
            self._begin = self._sent = time.monotonic()
        elif what.startswith("http11.send_request_") and not what.endswith(".started"):
            self._sent = time.monotonic()

    @property
    def seconds(self) -> float:
        return self._sent - self._begin


class Enough(Exception):
    """The time of the clients is over."""


class Clients:
    """Once there was `enough`, they ask for nothing more."""

    def __init__(
        self, site: Site, keys: Sequence[str], canaries: Sequence[str], script: Script
    ) -> None:
        self.ledger = Ledger()
        self.enough = False
        self._site, self._keys, self._script = site, keys, script
        self._canaries = [canary.encode() for canary in canaries]
        self._http = plain_http(timeout=PATIENCE_SECONDS)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, ask: Ask) -> None:
        for fault in ask.faults:
            await self._script(fault.rule(ask.token))
        made = await self._create(ask)
        if made is None:
            return
        if ask.cancels:
            await self._cancel(ask, made)
        if ask.reuses and ask.keyed:
            await self._reuse(ask, await self._image(replace(ask, uploads=False)))
        await self._follow(ask, made)

    # Creating

    async def _create(self, ask: Ask) -> str | None:
        """The id, or None where nothing came of it as far as the client knows."""
        image = await self._image(ask)
        if ask.image is not None and image is None:
            self.ledger.refused.add(ask.number)
            return None
        doubtful = False
        for attempt in range(_MOST_TRIES):
            answer = await self._post(ask, attempt, image)
            if answer.status in (200, 202):
                return self._accept(ask, answer)
            doubtful |= answer.status not in (402, 429) and not answer.retry_safe
            if answer.status == 402 or (answer.status and answer.retry_after is None):
                break
            if answer.status == 429 and attempt:
                break
            if not ask.keyed and answer.status != 429 and not answer.retry_safe:
                self.ledger.done["given up without a key"] += 1
                break
            self.ledger.done["sent again"] += 1
            await asyncio.sleep(min(answer.retry_after or 0.2, _LONGEST_PAUSE_SECONDS))
        if not doubtful:
            self.ledger.refused.add(ask.number)
        return None

    async def _image(self, ask: Ask) -> str | None:
        """What the create calls its image: a URL that holds it, or what an upload was answered
        with. None where there is none."""
        if ask.image is None:
            return None
        content = _picture(ask.image)
        url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        if not ask.uploads:
            return url
        path = "/api/v1/inputs" if ask.told else "/api/assets"
        sent: dict[str, Any] = (
            {"content": {"url": url}} if ask.told else {"files": {"asset": ("image.png", content)}}
        )
        for attempt in range(_MOST_TRIES):
            answer = await self._send(
                "upload", ask, attempt, "POST", path,
                headers={"API-KEY": self._keys[ask.member]}, **sent,
            )  # fmt: skip
            if answer.status in (200, 201):
                found = answer.document
                return str(found["id"] if ask.told else found["fileContent"]["path"])
            await asyncio.sleep(min(answer.retry_after or 0.2, _LONGEST_PAUSE_SECONDS))
        return None

    async def _post(self, ask: Ask, attempt: int, image: str | None) -> Answer:
        """The first try may hang up; those after it want an answer."""
        headers = {"API-KEY": self._keys[ask.member]}
        if ask.keyed:
            headers["Idempotency-Key"] = f"key-{ask.number}"
        if not ask.waits or (attempt and ask.hangs_up_after):
            headers["Prefer"] = "respond-async"
        return await self._send(
            "create", ask, attempt, "POST", _path(ask), headers=headers,
            content=self._video(ask, ask.prompt, image),
            patience=ask.hangs_up_after if attempt == 0 else None,
        )  # fmt: skip

    def _accept(self, ask: Ask, answer: Answer) -> str | None:
        record = answer.document.get("aiRecord") or {}
        made = answer.document.get("id") if ask.told else record.get("uuid")
        if not made:
            self.ledger.wrong.append(f"accepted without a record: {answer.told()}")
            return None
        self.ledger.accepted.setdefault(ask.number, set()).add(made)
        return str(made)

    def _video(self, ask: Ask, prompt: str, image: str | None) -> dict[str, Any]:
        """Those that want to be told ask in the own REST's words, which have a callback."""
        if not ask.told:
            return (
                body(prompt, aspectRatio="1:1")
                if image is None
                else image_body(image, prompt, aspectRatio="1:1")
            )
        what: dict[str, Any] = (
            {"feature": "TEXT_TO_VIDEO", "model": "ray-v3"}
            if image is None
            else {"feature": "IMAGE_TO_VIDEO", "model": "ray-v3-image", "image": image}
        )
        return {
            **what, "prompt": prompt, "duration": "5s", "aspect_ratio": "1:1", "resolution": "720p",
            "callback_url": f"{self._site.hooks_origin}/{ask.number}",
        }  # fmt: skip

    async def _reuse(self, ask: Ask, image: str | None) -> None:
        """The same key with another body: refused, and never made."""
        headers = {"API-KEY": self._keys[ask.member], "Idempotency-Key": f"key-{ask.number}"}
        await self._send(
            "reuse", ask, 0, "POST", _path(ask), content=self._video(ask, ask.other_prompt, image),
            headers={**headers, "Prefer": "respond-async"},
        )  # fmt: skip
        self.ledger.done["reused a key with another body"] += 1

    async def _cancel(self, ask: Ask, made: str) -> None:
        answer = await self._call("cancel", ask, "POST", f"/api/v1/generations/{made}/cancel")
        self.ledger.done["tried to cancel"] += 1
        if answer.status == 200 and answer.document.get("state") == "canceled":
            self.ledger.canceled.add(ask.number)

    # Looking

    async def _follow(self, ask: Ask, made: str) -> None:
        """Looks at it in every way there is, until it rests or patience ends."""
        for look in range(_MOST_LOOKS):
            answer = await self._call("result", ask, "GET", f"/api/results/{made}", turn=look)
            if answer.status == 200 and not answer.document.get("aiRecord"):
                self.ledger.wrong.append(f"{made} was accepted and is not found: {answer.told()}")
            await self._call("list", ask, "GET", "/api/v1/generations?limit=5", turn=look)
            answer = await self._call("get", ask, "GET", f"/api/v1/generations/{made}", turn=look)
            video = answer.document.get("video")
            if video:
                await self._watch(ask, made, video, look)
            if answer.document.get("state") in FINAL and (not video or _archived(video)):
                return
            await asyncio.sleep(0.5 + 0.3 * look)

    async def _watch(self, ask: Ask, made: str, video: dict[str, Any], turn: int) -> None:
        """A part of it where it is on its way; all of it, hashed, where it is archived."""
        whole = _archived(video)
        headers = {} if whole else {"Range": "bytes=0-1023"}
        path = f"/api/v1/generations/{made}/content"
        answer = await self._call("content", ask, "GET", path, turn=turn, headers=headers)
        self.ledger.done["watched"] += answer.status in (200, 206)
        if whole and answer.status == 200:
            sha256 = hashlib.sha256(answer.body).hexdigest()
            if sha256 != video["sha256"]:
                self.ledger.wrong.append(f"{made} was shown with other bytes: {answer.told()}")

    async def _call(
        self, kind: str, ask: Ask, method: str, path: str, *, turn: int = 0,
        headers: dict[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        own = {"API-KEY": self._keys[ask.member], **(headers or {})}
        return await self._send(kind, ask, turn, method, path, headers=own)

    async def _send(
        self, kind: str, ask: Ask, turn: int, method: str, path: str, *,
        headers: dict[str, str], content: dict[str, Any] | None = None,
        files: dict[str, Any] | None = None, patience: float | None = None,
    ) -> Answer:  # fmt: skip
        """Each try goes to the next process, as a load balancer would have it."""
        if self.enough:
            raise Enough
        seat = self._site.apis[(ask.api + turn) % len(self._site.apis)]
        begin, at = time.monotonic(), datetime.now(UTC).strftime("%H:%M:%S.%f")
        status, error, bytes_, told = 0, "", b"", httpx.Headers()
        sending = Sending()
        # By the client's own timeout: whoever cancels a request may leave a connection behind.
        timeout = httpx.Timeout(PATIENCE_SECONDS, read=patience or PATIENCE_SECONDS)
        try:
            answer = await self._http.request(
                method, seat.address + path, headers=headers, json=content, files=files,
                timeout=timeout,
                extensions={"trace": sending.note},
            )  # fmt: skip
            status, bytes_, told = answer.status_code, answer.content, answer.headers
        except httpx.HTTPError as broken:
            gone = patience is not None and isinstance(broken, httpx.ReadTimeout)
            error = "hung up" if gone else type(broken).__name__
        whole = repr(told.raw).encode() + bytes_
        seen = Answer(
            kind=kind, number=ask.number, seat=seat.name, at=at, begin=begin,
            end=time.monotonic(), status=status, error=error, headers=told, body=bytes_,
            sending_seconds=sending.seconds,
            stores=ask.image is not None and method == "POST",
            breaks_off=any(fault.name in BREAKS_OFF for fault in ask.faults),
            canaries=tuple(each.decode() for each in self._canaries if each in whole),
        )  # fmt: skip
        self.ledger.answers.append(_light(seen))
        self.ledger.done[f"{kind}: {status or error}"] += 1
        return seen


Script = Callable[[dict[str, Any]], Awaitable[None]]


def _light(answer: Answer) -> Answer:
    """Without the bytes of a video: an hour of answers is kept."""
    if len(answer.body) < 10_000:
        return answer
    return replace(answer, body=b"")


@cache
def _picture(number: int) -> bytes:
    return picture("PNG", (320, 320), (40 * number, 80, 120))


def _archived(video: dict[str, Any]) -> bool:
    return bool(video.get("state") == "archived")


def _path(ask: Ask) -> str:
    return "/api/v1/generations" if ask.told else "/api/features"


async def drive(clients: Clients, asks: Sequence[Ask], *, until: float) -> None:
    """Each ask at its moment, whatever became of those before. After `until` nothing more is asked,
    and what was asked is answered or given up."""
    begin = time.monotonic()
    running: set[asyncio.Task[None]] = set()
    try:
        for ask in asks:
            await asyncio.sleep(max(0.0, begin + ask.at - time.monotonic()))
            running.add(asyncio.create_task(clients.ask(ask)))
        await asyncio.wait(running, timeout=max(0.1, until - time.monotonic()))
    finally:
        clients.enough = True
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, Enough):
                raise outcome
