"""Thumbnails of a generation's video as HTTP responses."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.domain.assets import AssetState
from app.domain.generation import Generation
from app.errors import NotFound, NotReady, Unavailable, VideoExpired
from app.http.content import content_response
from app.http.video import CACHE_SECONDS, get_asset, set_aside
from app.runtime import ApiRuntime
from app.telemetry import logger
from app.videos.decoder import DecoderEnded, DecoderUnavailable, Picture
from app.videos.mp4 import NotAVideo
from app.videos.set_aside import NotRead, counted_read
from app.videos.store import ArchiveError, Gone

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    suffix: str
    content_type: str
    picture: Picture


_THUMBNAIL = _Kind("thumbnail", "webp", "image/webp", Picture.THUMBNAIL)
_SPRITESHEET = _Kind("spritesheet", "jpg", "image/jpeg", Picture.SPRITESHEET)


async def thumbnail_response(rt: ApiRuntime, request: Request, generation: Generation) -> Response:
    """One frame as WebP, at most 640 pixels on its longest side. Raises `NotReady` before the video
    is archived and `VideoExpired` once it is deleted or lost."""
    return await _response(rt, request, generation, _THUMBNAIL)


async def spritesheet_response(
    rt: ApiRuntime, request: Request, generation: Generation
) -> Response:
    """Ten frames in two rows as JPEG. Raises what `thumbnail_response` raises."""
    return await _response(rt, request, generation, _SPRITESHEET)


async def _response(
    rt: ApiRuntime, request: Request, generation: Generation, kind: _Kind
) -> Response:
    asset = get_asset(generation)
    if asset.state is AssetState.SET_ASIDE:
        raise set_aside(generation)
    if asset.state is AssetState.PENDING:
        raise NotReady(
            "The video is still being archived; its pictures are made after that.",
            retry_after_seconds=2,
            extra={"state": generation.state.value},
        )
    path, sha256, archived_at = asset.path, asset.sha256, asset.archived_at
    # The schema guarantees these for an archived video.
    if asset.state is not AssetState.ARCHIVED or not (path and sha256 and archived_at):
        raise VideoExpired(f"The video of this generation is {asset.state}.")
    name = f"{sha256}-{kind.name}"
    picture = await rt.pictures.get(name, lambda: _make(rt, generation, path, kind))

    async def part(start: int, end: int) -> AsyncGenerator[bytes, None]:
        yield picture[start:end]

    return await content_response(
        request,
        open_range=part,
        length=len(picture),
        etag_sha256=name,
        content_type=kind.content_type,
        filename=f"{generation.id}.{kind.name}.{kind.suffix}",
        last_modified=archived_at,
        cache_seconds=CACHE_SECONDS,
    )


async def _make(rt: ApiRuntime, generation: Generation, path: str, kind: _Kind) -> bytes:
    try:
        async with counted_read(rt, generation.id), rt.archive.as_file(path) as local:
            return await rt.decoder.picture(local, kind.picture)
    except Gone:
        log.error("archive_file_missing", generation_id=str(generation.id))
        raise VideoExpired("The video is missing from the archive.") from None
    except (ArchiveError, OSError) as error:
        log.error("archive_unavailable", error=str(error))
        raise Unavailable("The archive cannot be read right now.", retry_after_seconds=5) from None
    except DecoderUnavailable as error:
        log.error("decoder_unavailable", error=str(error))
        raise Unavailable("Pictures cannot be made right now.", retry_after_seconds=5) from None
    except (NotAVideo, DecoderEnded, NotRead) as error:
        log.warning("no_picture", generation_id=str(generation.id), reason=str(error))
        raise NotFound("No picture can be made of this video.") from None
