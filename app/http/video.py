"""The video of a generation: from the archive, or straight from the upstream until it is
archived."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.db import assets, generations
from app.domain.assets import AssetState
from app.domain.caller import Caller
from app.domain.generation import Asset, Generation, State
from app.errors import NotReady, Unavailable, VideoExpired
from app.fetch import FetchError, FetchFailed, Refused
from app.http import ranges
from app.http.content import Disposition, content_response, not_satisfiable, relay_response
from app.live.keys import KeysInUse
from app.runtime import ApiRuntime
from app.telemetry import logger
from app.videos.mp4 import HEAD_BYTES, begins_like_one
from app.videos.store import ArchiveError, Gone

log = logger(__name__)

#: The bytes of a generation never change. A year is the longest that caches respect.
CACHE_SECONDS = 31_536_000


async def callers_video_response(
    rt: ApiRuntime,
    request: Request,
    caller: Caller,
    generation: Generation,
    *,
    disposition: Disposition,
) -> Response:
    """As `video_response`; the connection is closed if the caller's key or session ends."""
    response = await video_response(rt, request, generation, disposition=disposition)
    return _WhileValid(response, rt.keys, caller.lasts_with)


class _WhileValid(Response):
    """Another response, cut off when the key or session ends."""

    def __init__(self, response: Response, keys: KeysInUse, lasts_with: UUID) -> None:
        self._response, self._keys, self._lasts_with = response, keys, lasts_with
        self.status_code, self.raw_headers = response.status_code, response.raw_headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._keys.attached(self._lasts_with, scope.get("reelgate.abort", _nothing)):
            await self._response(scope, receive, send)


def _nothing() -> None:
    """For a server that cannot close a connection."""


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a file is sent."""

    disposition: Disposition
    filename: str
    cache_seconds: int | None


async def video_response(
    rt: ApiRuntime, request: Request, generation: Generation, *, disposition: Disposition
) -> Response:
    """Raises `NotReady` before there is a video and `VideoExpired` once there is none."""
    manner = _Manner(disposition, f"{generation.id}.mp4", CACHE_SECONDS)
    return await _response(rt, request, generation, manner)


async def shared_video_response(
    rt: ApiRuntime, request: Request, generation: Generation, *, disposition: Disposition
) -> Response:
    """The same, for a link that may be revoked, and that says nothing of the generation."""
    return await _response(rt, request, generation, _Manner(disposition, "video.mp4", None))


async def _response(
    rt: ApiRuntime, request: Request, generation: Generation, manner: _Manner
) -> Response:
    asset = get_asset(generation)
    if asset.state is AssetState.PENDING:
        async with rt.db.single() as tx:
            pending = await assets.find_pending_video(tx, generation.id)
            # It may have been archived since the generation was read.
            now = None if pending else await generations.find(tx, generation.id)
        if pending is not None and pending.link is not None:
            return await _through(rt, request, generation, pending.link, manner)
        if now is not None:
            asset = get_asset(now)
    if asset.state is AssetState.ARCHIVED:
        return await _from_archive(rt, request, generation, asset, manner)
    if asset.state is AssetState.PENDING:
        raise _not_archived(generation)
    if asset.state is AssetState.SET_ASIDE:
        raise set_aside(generation)
    raise VideoExpired(f"The video of this generation is {asset.state}.")


def _not_archived(generation: Generation) -> NotReady:
    return NotReady(
        "The video is still being archived.", retry_after_seconds=5,
        extra={"state": generation.state.value},
    )  # fmt: skip


def set_aside(generation: Generation) -> NotReady:
    return NotReady(
        "The video cannot be checked; an operator has to decide about it.",
        extra={"state": generation.state.value},
    )


def get_asset(generation: Generation) -> Asset:
    """The video that is archived or being archived. Raises `NotReady` if there is none."""
    asset = generation.asset
    if generation.state is not State.SUCCEEDED or asset is None:
        raise NotReady(
            f"This generation is {generation.state}; there is no video yet."
            if generation.state not in (State.FAILED, State.CANCELED)
            else f"This generation is {generation.state}; there is no video.",
            extra={"state": generation.state.value},
        )
    return asset


async def _from_archive(
    rt: ApiRuntime, request: Request, generation: Generation, asset: Asset, manner: _Manner
) -> Response:
    path = asset.path
    # The schema guarantees these four for an archived video.
    if not (path and asset.sha256 and asset.size_bytes and asset.archived_at):
        raise VideoExpired()
    try:
        return await content_response(
            request,
            open_range=lambda start, end: rt.archive.read(path, start, end),
            open_file=lambda end: rt.archive.open_file(path, end),
            length=asset.size_bytes,
            etag_sha256=asset.sha256,
            content_type=asset.content_type,
            filename=manner.filename,
            last_modified=asset.archived_at,
            cache_seconds=manner.cache_seconds,
            disposition=manner.disposition,
        )
    except Gone:
        log.error("archive_file_missing", generation_id=str(generation.id))
        raise VideoExpired("The video is missing from the archive.") from None
    except ArchiveError as error:
        log.error("archive_unavailable", error=str(error))
        raise Unavailable("The archive cannot be read right now.", retry_after_seconds=5) from None


async def _through(
    rt: ApiRuntime, request: Request, generation: Generation, link: str, manner: _Manner
) -> Response:
    """Streams from the upstream's link, which callers never see. Refuses what does not begin like a
    film: the archive would refuse it too."""
    # Ranges are for GET only; HEAD is answered as if there were none.
    wanted = ranges.forwardable(request.headers) if request.method == "GET" else None
    try:
        if wanted is not None:
            # A range from the middle does not show what kind of file it is part of.
            await _look_at(rt, link)
        return await _relayed(rt, request, link, wanted, manner)
    except (_NoFilm, Refused) as error:
        log.warning("relay_refused", generation_id=str(generation.id), error=str(error))
        raise _not_archived(generation) from None
    except FetchError as error:
        log.warning("relay_failed", generation_id=str(generation.id), error=str(error))
        raise _on_its_way() from None


class _NoFilm(Exception):
    """The link does not lead to a film."""


async def _look_at(rt: ApiRuntime, link: str) -> None:
    """Raises `_NoFilm` if the link does not lead to a film, and `FetchError`."""
    span = {"Range": f"bytes=0-{HEAD_BYTES - 1}"}
    async with rt.downloads.stream(link, headers=span) as response:
        if response.status_code in (200, 206):
            await _begun(response.aiter_raw())


async def _relayed(
    rt: ApiRuntime, request: Request, link: str, wanted: str | None, manner: _Manner
) -> Response:
    async with AsyncExitStack() as stack:
        # GET even for HEAD: the upstream signs its link for GET only.
        response = await stack.enter_async_context(
            rt.downloads.stream(link, headers={"Range": wanted} if wanted else None)
        )
        if response.status_code == 416:
            _, _, length = response.headers.get("content-range", "").rpartition("/")
            if not length.isdecimal():
                raise _on_its_way()
            raise not_satisfiable(int(length))
        if response.status_code not in (200, 206):
            raise _on_its_way()
        chunks = _bounded(response.aiter_raw(), rt.settings.max_video_bytes)
        if response.status_code == 200:
            chunks = _resumed(await _begun(chunks), chunks)
        elif wanted is None:
            raise _NoFilm("part of a file that was requested as a whole")
        keep = stack.pop_all()
        return await relay_response(
            request,
            status=response.status_code,
            headers=response.headers,
            chunks=chunks,
            close=keep.aclose,
            content_type="video/mp4",
            filename=manner.filename,
            disposition=manner.disposition,
        )


async def _begun(chunks: AsyncIterator[bytes]) -> bytes:
    """The first bytes of a film. Raises `_NoFilm`."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    if not begins_like_one(head):
        raise _NoFilm("it does not lead to an MP4 file")
    return head


async def _resumed(head: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield head
        async for chunk in rest:
            yield chunk


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    """At most as much as would be archived. A file without an end is cut off: its caller sees a
    broken connection instead of endless bytes."""
    passed = 0
    async for chunk in chunks:
        passed += len(chunk)
        if passed > most:
            raise FetchFailed("The file is larger than the archive allows.", reason="too_large")
        yield chunk


def _on_its_way() -> Unavailable:
    return Unavailable("The upstream cannot deliver the video right now.", retry_after_seconds=5)
