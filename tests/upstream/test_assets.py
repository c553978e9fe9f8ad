"""Uploads to the upstream: what is sent, and what the answers mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

from app.simulator.config import SimulatorConfig
from app.upstream.answers import KeyTrouble
from app.upstream.assets import AssetFile, Uploaded, UploadFailed, UploadRefused, read_upload
from tests.harness.pictures import picture
from tests.simulator.conftest import serving as simulating
from tests.upstream.calling import upstream
from tests.upstream.loopback import Connection, answering, http, refusing, serving

PATH = "development/images/2025_11_26_15_36_08_840_865624.png"
DONE = {"asset": {"key": PATH}, "fileContent": {"path": PATH}}


def file(content: bytes | None = None, *, broken_after: int | None = None) -> AssetFile:
    sent = picture() if content is None else content

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(sent), 1000):
            if broken_after is not None and start >= broken_after:
                raise RuntimeError("the disk is gone")
            yield sent[start : start + 1000]

    return AssetFile(name="0b7c.png", content_type="image/png", size_bytes=len(sent), open=blocks)


async def test_the_form_is_sent_with_the_key_and_its_length() -> None:
    content = picture(size=(300, 200))
    async with serving(answering(200, DONE)) as server, upstream(server.url) as client:
        assert await client.upload("spare", file(content)) == Uploaded(path=PATH)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/assets")
    assert request.headers["api-key"] == "other-key"
    assert "transfer-encoding" not in request.headers
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    [part] = BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts()
    assert part.get_param("name", header="content-disposition") == "asset"
    assert part.get_filename() == "0b7c.png"
    assert part.get_content_type() == "image/png"
    assert part.get_payload(decode=True) == content


async def test_the_simulator_takes_it(tmp_path: Path) -> None:
    async with (
        simulating(SimulatorConfig(data_dir=tmp_path)) as simulator,
        upstream(str(simulator.http.base_url)) as client,
    ):
        answer = await client.upload("main", file())
    assert isinstance(answer, Uploaded)


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (200, DONE, Uploaded(path=PATH)),
        (201, {"asset": {"key": PATH}}, Uploaded(path=PATH)),
        (200, {"fileContent": {"path": "https://evil.example/x"}}, UploadFailed(reason="no_path")),
        (200, {"fileContent": {"path": "images/../x.png"}}, UploadFailed(reason="no_path")),
        (200, {"fileContent": {"path": 5}}, UploadFailed(reason="no_path")),
        (200, [], UploadFailed(reason="no_path")),
        (400, {"message": "bad format"}, UploadRefused(reason="http_400")),
        (413, {"error": {"message": "too large"}}, UploadRefused(reason="http_413")),
        (401, {"errorCode": "HTTP_EXCEPTION", "message": "deleted"},
         UploadFailed(reason="key_rejected", key_trouble=KeyTrouble.REJECTED)),
        (402, {"errorCode": "INSUFFICIENT_CREDITS", "message": ""},
         UploadFailed(reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS)),
        (429, {"error": "slow"}, UploadFailed(reason="rate_limited", retry_after_seconds=7)),
        (500, {}, UploadFailed(reason="http_500", retry_after_seconds=7)),
        (302, {}, UploadFailed(reason="http_302", retry_after_seconds=7)),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, document: Any, expected: object) -> None:
    body = json.dumps(document).encode()
    assert read_upload(status, {"Retry-After": "7"}, body) == expected


async def test_what_broke_may_be_repeated() -> None:
    async def reset(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async def half(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, json.dumps(DONE).encode())[:-10])

    for script in (reset, half):
        async with serving(script) as server, upstream(server.url) as client:
            answer = await client.upload("main", file())
            assert isinstance(answer, UploadFailed), answer
    with refusing() as address:
        async with upstream(address) as client:
            assert await client.upload("main", file()) == UploadFailed(reason="unreachable")
            assert await client.upload("nobody", file()) == UploadFailed(reason="key_unknown")


async def test_a_file_that_cannot_be_read_to_its_end_is_not_uploaded() -> None:
    async with serving(answering(200, DONE)) as server, upstream(server.url) as client:
        answer = await client.upload("main", file(picture(size=(900, 900)), broken_after=1000))
    assert isinstance(answer, UploadFailed)
    assert server.requests == []
