"""`GET /asset.1min.ai/{key}`: the file behind a signed link, as S3 would hand it out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from app.domain.generation import AspectRatio, Duration
from app.simulator import disconnects, error_bodies, links
from app.simulator.faults import DOWNLOAD, Fault
from app.simulator.records import Record, stage_at
from app.simulator.state import Studio, studio_of

MP4 = "video/mp4"


async def download(request: Request) -> Response:
    studio, key = studio_of(request), request.path_params["key"]
    refusal = studio.signer.refuse(key, dict(request.query_params), now=studio.now())
    if refusal is not None:
        studio.note(request, DOWNLOAD, "refused:signature")
        return refusal
    record = _find_ready(studio, key)
    if record is None:
        studio.note(request, DOWNLOAD, "refused:no_such_key")
        return links.no_such_key()
    fault = studio.script.find(DOWNLOAD, prompt=record.spec.prompt, account=record.account)
    outcome = fault.name if fault else "sent"
    studio.note(request, DOWNLOAD, outcome, account=record.account, uuid=record.uuid)
    if fault is None:
        return _whole(await _film(studio, record), record)
    return await _faulty(studio, request, record, fault)


def _find_ready(studio: Studio, key: str) -> Record | None:
    record = studio.books.find_by_storage_key(key)
    stage = stage_at(record, studio.now()) if record else None
    return record if stage is not None and stage.has_link else None


async def _film(studio: Studio, record: Record) -> Path:
    """Named by what it shows, so that one record's films of different specs do not meet."""
    spec, uuid = record.spec, record.uuid
    if studio.config.one_film_for_all:
        spec, uuid = replace(spec, prompt="any prompt"), UUID(int=0)
    content = json.dumps(spec.to_json(), sort_keys=True).encode()
    return await studio.reels.get(
        spec, uuid, name=f"{uuid}-{hashlib.sha256(content).hexdigest()[:8]}"
    )


def _whole(path: Path, record: Record) -> Response:
    """With Range, If-Range and HEAD. The tag is strong: the film of a uuid is always the same."""
    return FileResponse(path, media_type=MP4, headers={"ETag": f'"{record.uuid.hex}"'})


async def _faulty(studio: Studio, request: Request, record: Record, fault: Fault) -> Response:
    simple = _simple(studio, fault)
    if simple is not None:
        return simple
    if fault.name == "delay":
        await disconnects.wait(request.receive, fault["seconds"])
    if fault.name == "download_mismatch":
        wrong = _mismatch(record)
        return _whole(await _film(studio, wrong), wrong)
    path = await _film(studio, record)
    spoil = _SPOILED.get(fault.name)
    if spoil is None:
        return _whole(path, record)
    return spoil(await anyio.Path(path).read_bytes(), fault)


def _simple(studio: Studio, fault: Fault) -> Response | None:
    """The faults that need no file."""
    if fault.name == "reset_before":
        return disconnects.Cut()
    if fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    if fault.name == "link_gone":
        gone = fault["status"] == 403
        return links.denied("AccessDenied", "Request has expired") if gone else links.no_such_key()
    if fault.name == "download_redirect":
        return RedirectResponse(fault["location"], fault["status"])
    if fault.name == "download_empty":
        return Response(b"", media_type=MP4)
    if fault.name == "download_not_mp4":
        return Response(b"<!DOCTYPE html><html><body>Not a film</body></html>", media_type=MP4)
    return error_bodies.answer(fault, studio.config.price)


def _mismatch(record: Record) -> Record:
    spec = record.spec
    square = spec.aspect_ratio is AspectRatio.SQUARE
    short = spec.duration is Duration.FIVE_SECONDS
    wrong = replace(
        spec,
        aspect_ratio=AspectRatio.WIDE if square else AspectRatio.SQUARE,
        duration=Duration.TEN_SECONDS if short else Duration.FIVE_SECONDS,
    )
    return replace(record, spec=wrong)


def _truncated(film: bytes, fault: Fault) -> Response:
    if fault["declared"] == "short":
        return Response(film[: len(film) // 2], media_type=MP4)
    return disconnects.Half(Response(film, media_type=MP4))


def _endless(film: bytes, fault: Fault) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        sent, zeros = len(film), bytes(1 << 16)
        yield film
        while sent < fault["max_bytes"]:
            yield zeros
            sent += len(zeros)

    return StreamingResponse(pieces(), media_type=MP4)


_SPOILED: Mapping[str, Callable[[bytes, Fault], Response]] = {
    "download_truncated": _truncated,
    "download_endless": _endless,
    "download_reset_midway": lambda film, _: disconnects.Half(
        Response(film, media_type=MP4), reset=True
    ),
    "download_slow": lambda film, fault: disconnects.Drip(
        Response(film, media_type=MP4), fault["seconds"]
    ),
}
