"""The file of an input."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from app.domain.inputs import EXTENSIONS, Input
from app.errors import NotFound, Unavailable
from app.http.content import content_response
from app.http.video import CACHE_SECONDS
from app.runtime import ApiRuntime
from app.telemetry import logger
from app.videos.store import ArchiveError, Gone

log = logger(__name__)


async def image_response(rt: ApiRuntime, request: Request, found: Input) -> Response:
    """The image as it is kept. Ranges and conditional requests work. Raises `NotFound` and
    `Unavailable`."""
    path = found.path
    assert path is not None

    async def part(start: int, end: int) -> AsyncIterator[bytes]:
        async for block in rt.archive.read(path, start, end):
            yield block

    try:
        response = await content_response(
            request,
            open_range=part,
            length=found.size_bytes,
            etag_sha256=found.sha256,
            content_type=found.content_type,
            filename=f"{found.id}.{EXTENSIONS[found.content_type]}",
            last_modified=found.created_at,
            cache_seconds=CACHE_SECONDS,
        )
    except Gone:
        log.error("archive_file_missing", input_id=str(found.id))
        raise NotFound("The image is missing from the archive.") from None
    except ArchiveError as error:
        log.error("archive_unavailable", error=str(error))
        raise Unavailable("The archive cannot be read right now.", retry_after_seconds=5) from None
    # What follows the end of an image may be anything: nothing of it is run.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
