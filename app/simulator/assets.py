"""`POST /api/assets`: keeps an uploaded file for the account of its key."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.simulator import disconnects, error_bodies, refusals
from app.simulator.accounts import Account
from app.simulator.database import Asset
from app.simulator.faults import ASSETS
from app.simulator.records import file_stamp
from app.simulator.refusals import JsonAnswer, Refusal
from app.simulator.state import Simulator, simulator_of
from app.simulator.wire import instant

MAX_BYTES = 52_428_800
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}


async def upload(request: Request) -> Response:
    simulator = simulator_of(request)
    try:
        # All of it, whatever the answer is: closing the connection on the rest would lose that.
        await request.body()
        account = simulator.admit(request)
        return await _work(simulator, request, account)
    except Refusal as refusal:
        simulator.log_request(request, ASSETS, f"refused:{refusal.code}")
        return refusal.answer()
    except ClientDisconnect:
        return disconnects.Reset()


async def _work(simulator: Simulator, request: Request, account: Account) -> Response:
    fault = simulator.fault_rules.find(ASSETS, prompt=None, account=account.fingerprint)
    if fault is not None:
        if fault.name == "delay":
            await disconnects.wait(request.receive, fault["seconds"])
        answer: Response | None = None
        if fault.name == "reset_before":
            answer = disconnects.Reset()
        else:
            answer = error_bodies.answer(fault, simulator.config.price)
        if answer is not None:
            simulator.log_request(request, ASSETS, fault.name)
            return answer
    name, content = await _file(request)
    asset = Asset(
        key=f"development/images/{file_stamp(uuid4(), simulator.now())}.{_extension(name)}",
        account=account.fingerprint, name=name, content_type=_type(content), size=len(content),
        created_at=simulator.now(),
    )  # fmt: skip
    path = path_of(simulator.config.data_dir, asset.key)
    await anyio.Path(path.parent).mkdir(parents=True, exist_ok=True)
    await anyio.Path(path).write_bytes(content)
    simulator.database.add_asset(asset)
    simulator.log_request(request, ASSETS, fault.name if fault else "stored", body=content)
    if fault is not None and fault.name == "reset_after":
        return disconnects.Reset()
    if fault is not None and fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    return disconnects.with_fault(JsonAnswer(_render(asset, account)), fault)


def path_of(folder: Path, key: str) -> Path:
    """Where a file is on disk: its key is the account's and is not taken for a path."""
    return folder / "assets" / hashlib.sha256(key.encode()).hexdigest()[:32]


async def _file(request: Request) -> tuple[str, bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise refusals.asset_invalid("asset is required")
    async with request.form(max_files=1, max_fields=5) as form:
        given = form.get("asset")
        if not isinstance(given, UploadFile):
            raise refusals.asset_invalid("asset is required")
        content = await given.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise refusals.asset_too_large()
        return given.filename or "file", content


def _type(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as image:
            return _TYPES[image.format or ""]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise refusals.asset_invalid("The file format is not supported") from None


def _extension(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return ending if ending.isalnum() and len(ending) <= 5 else "bin"


def _render(asset: Asset, account: Account) -> dict[str, Any]:
    """As the upstream's page shows it, with the ids of the paying account."""
    return {
        "asset": {
            "fieldname": "asset",
            "originalname": asset.name,
            "encoding": "7bit",
            "mimetype": asset.content_type,
            "size": asset.size,
            "bucket": "asset.1min.ai",
            "key": asset.key,
            "acl": "private",
            "contentType": asset.content_type,
            "metadata": {"team-id": str(account.team_id), "user-id": str(account.user_id)},
            "location": f"https://s3.us-east-1.amazonaws.com/asset.1min.ai/{asset.key}",
            "etag": f'"{hashlib.sha256(asset.key.encode()).hexdigest()[:32]}"',
        },
        "fileContent": {
            "uuid": str(UUID(int=int(hashlib.sha256(asset.key.encode()).hexdigest()[:32], 16))),
            "path": asset.key,
            "type": "IMAGE",
            "name": asset.name,
            "content": None,
            "status": "SUCCESS",
            "metadata": {"token": 0, "character": 0},
            "createdAt": instant(asset.created_at),
        },
    }
