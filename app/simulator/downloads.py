"""`GET /asset.1min.ai/{key}`: the file behind a signed link, served as S3 does."""

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

from app.domain.catalog.spec import Facts
from app.simulator import disconnects, error_bodies, links, wire
from app.simulator.assets import path_of
from app.simulator.faults import DOWNLOAD, Fault
from app.simulator.records import Record, stage_at
from app.simulator.state import Simulator, simulator_of

MP4 = "video/mp4"


async def download(request: Request) -> Response:
    simulator, key = simulator_of(request), request.path_params["key"]
    refusal = simulator.signer.refuse(key, dict(request.query_params), now=simulator.now())
    if refusal is not None:
        simulator.log_request(request, DOWNLOAD, "refused:signature")
        return refusal
    record = _find_ready(simulator, key)
    if record is None:
        simulator.log_request(request, DOWNLOAD, "refused:no_such_key")
        return links.no_such_key()
    prompt = record.spec.facts.prompt
    fault = simulator.fault_rules.find(DOWNLOAD, prompt=prompt, account=record.account)
    outcome = fault.name if fault else "sent"
    simulator.log_request(request, DOWNLOAD, outcome, account=record.account, uuid=record.uuid)
    if fault is None:
        return _file(await _video(simulator, record), record)
    return await _faulty(simulator, request, record, fault)


def _find_ready(simulator: Simulator, key: str) -> Record | None:
    record = simulator.database.find_by_storage_key(key)
    stage = stage_at(record, simulator.now()) if record else None
    return record if stage is not None and stage.has_link else None


async def _video(simulator: Simulator, record: Record) -> Path:
    """The name depends on the spec too: `download_mismatch` renders a record with another one."""
    spec, uuid = record.spec, record.uuid
    folder = simulator.config.data_dir
    pictures = [
        (when, path_of(folder, key)) for when, key in wire.pictures(spec, simulator.config.catalog)
    ]
    if simulator.config.one_video_for_all:
        spec = wire.without_images(spec).with_facts(Facts(prompt="any prompt"))
        uuid, pictures = UUID(int=0), []
    content = json.dumps(spec.to_json(), sort_keys=True).encode()
    name = f"{uuid}-{hashlib.sha256(content).hexdigest()[:8]}"
    return await simulator.renders.get(spec, uuid, name=name, pictures=pictures)


def _file(path: Path, record: Record) -> Response:
    """Supports Range, If-Range and HEAD. The ETag is strong: the video of a uuid never changes."""
    return FileResponse(path, media_type=MP4, headers={"ETag": f'"{record.uuid.hex}"'})


async def _faulty(simulator: Simulator, request: Request, record: Record, fault: Fault) -> Response:
    answer = _without_file(simulator, fault)
    if answer is not None:
        return answer
    if fault.name == "delay":
        await disconnects.wait(request.receive, fault["seconds"])
    if fault.name == "download_mismatch":
        wrong = _mismatch(record)
        return _file(await _video(simulator, wrong), wrong)
    path = await _video(simulator, record)
    corrupt = _CORRUPTIONS.get(fault.name)
    if corrupt is None:
        return _file(path, record)
    return corrupt(await anyio.Path(path).read_bytes(), fault)


def _without_file(simulator: Simulator, fault: Fault) -> Response | None:
    """The answer of a fault that needs no rendered file, else None."""
    if fault.name == "reset_before":
        return disconnects.Reset()
    if fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    if fault.name == "link_gone":
        expired = fault["status"] == 403
        return (
            links.denied("AccessDenied", "Request has expired") if expired else links.no_such_key()
        )
    if fault.name == "download_redirect":
        return RedirectResponse(fault["location"], fault["status"])
    if fault.name == "download_empty":
        return Response(b"", media_type=MP4)
    if fault.name == "download_not_mp4":
        return Response(b"<!DOCTYPE html><html><body>Not a video</body></html>", media_type=MP4)
    return error_bodies.answer(fault, simulator.config.price)


def _mismatch(record: Record) -> Record:
    facts = record.spec.facts
    wrong = Facts(
        aspect_ratio=(16, 9) if facts.aspect_ratio == (1, 1) else (1, 1),
        seconds=10 if facts.seconds == 5 else 5,
    )
    return replace(record, spec=record.spec.with_facts(wrong))


def _truncated(video: bytes, fault: Fault) -> Response:
    if fault["declared"] == "short":
        return Response(video[: len(video) // 2], media_type=MP4)
    return disconnects.Truncated(Response(video, media_type=MP4))


def _endless(video: bytes, fault: Fault) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        sent, zeros = len(video), bytes(1 << 16)
        yield video
        while sent < fault["max_bytes"]:
            yield zeros
            sent += len(zeros)

    return StreamingResponse(pieces(), media_type=MP4)


_CORRUPTIONS: Mapping[str, Callable[[bytes, Fault], Response]] = {
    "download_truncated": _truncated,
    "download_endless": _endless,
    "download_reset_midway": lambda video, _: disconnects.Truncated(
        Response(video, media_type=MP4), reset=True
    ),
    "download_slow": lambda video, fault: disconnects.Trickle(
        Response(video, media_type=MP4), fault["seconds"]
    ),
}
