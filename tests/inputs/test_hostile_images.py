"""Files that are no images, or are more than that. None may be kept, and none may take the process
down that receives it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from app.domain.inputs import MAX_PIXELS
from app.videos.decoder import DecoderEnded
from tests.harness.gateway import Gateway
from tests.harness.pictures import animated, picture
from tests.inputs.calling import call, upload, uploaded
from tests.videos.videos import files_in


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, *, extra: bytes = b"") -> bytes:
    """One whose header says this size, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )  # fmt: skip


def bomb() -> bytes:
    """A few kilobytes that are gigabytes of pixels."""
    return png(60_000, 60_000, bytes(1_000_000))


def dense() -> bytes:
    """A few more pixels than are read, all of them there."""
    width, height = 8000, MAX_PIXELS // 8000 + 1
    return png(width, height, bytes((width + 1) * height))


def text_bomb() -> bytes:
    """Its caption is half a gigabyte."""
    caption = b"Comment\x00\x00" + zlib.compress(bytes(512 << 20), 9)
    return png(32, 32, bytes(33 * 32), extra=chunk(b"zTXt", caption))


def other(kind: str) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (32, 32)).save(held, kind)
    return held.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
#: The large ones are made when they are needed: every process of a run reads this file.
REFUSED: dict[str, bytes | Callable[[], bytes]] = {
    "nothing": b"",
    "text": b"an image, honestly" * 20,
    "svg": SVG,
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "gif": other("GIF"),
    "bmp": other("BMP"),
    "tiff": other("TIFF"),
    "ico": other("ICO"),
    "pdf": other("PDF"),
    "signature alone": b"\x89PNG\r\n\x1a\n",
    "png cut short": picture("PNG", (640, 640))[:-40],
    "jpeg cut short": picture("JPEG", (640, 640))[:-900],
    "webp cut short": picture("WEBP", (640, 640))[:-20],
    "png with a wrong checksum": picture("PNG").replace(b"IDAT", b"IDAX", 1),
    "png of no pixels": png(0, 0, b""),
    "animated png": animated("PNG"),
    "animated webp": animated("WEBP"),
    "bomb": bomb,
    "more pixels than are read": dense,
    "caption bomb": text_bomb,
    "a wide line": png(60_000, 1, bytes(60_001)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_and_named(still_gate: Gateway, name: str) -> None:
    key = await still_gate.member()
    content = REFUSED[name]
    answer = await upload(still_gate, key, content() if callable(content) else content)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert (body["billed"], body["retry_safe"]) == (False, True)
    [issue] = body["errors"]
    assert issue["field"] == "file"
    assert "<" not in issue["message"]
    assert (await call(still_gate, key, "GET")).json()["data"] == []
    # The next image is read as ever.
    await uploaded(still_gate, key)


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("run.sh", "#!/bin/sh\n")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("PNG") + SVG, "image/png"),
        (picture("JPEG") + zipped(), "image/jpeg"),
        (picture("JPEG", comment=b"<script>alert(1)</script>"), "image/jpeg"),
        (picture("WEBP") + b"<script>alert(1)</script>", "image/webp"),
    ],
    ids=["png and svg", "jpeg and zip", "jpeg with a script", "webp and html"],
)
async def test_what_is_two_things_is_only_ever_an_image(
    still_gate: Gateway, content: bytes, kind: str
) -> None:
    key = await still_gate.member()
    document = await uploaded(still_gate, key, content, name="page.html")
    assert document["content_type"] == kind
    served = await call(still_gate, key, "GET", f"/{document['id']}/content")
    assert served.headers["content-type"] == kind
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "page.html" not in served.headers["content-disposition"]


async def test_the_type_is_that_of_the_bytes(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await still_gate.http.post(
        "/api/v1/inputs",
        headers={"API-KEY": key},
        files={"file": ("page.html", picture("JPEG"), "text/html")},
    )
    assert answer.json()["content_type"] == "image/jpeg"


async def test_an_image_that_ends_its_reader_is_refused(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    async def ended(*_: object) -> None:
        raise DecoderEnded("the file ended the process that read it")

    monkeypatch.setattr(still_gate.rt.decoder, "image", ended)
    answer = await upload(still_gate, key)
    assert answer.status_code == 422
    folder = still_gate.rt.settings.data_dir / "archive"
    assert not folder.exists() or files_in(folder) == []
