"""Uploads to the simulator, as 1min.ai documents them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from app.simulator import assets
from app.simulator.config import PAYER_NAME
from tests.harness.pictures import picture
from tests.simulator.conftest import Client, body, until


async def upload(
    client: Client, content: bytes, *, field: str = "asset", **headers: str
) -> httpx.Response:
    return await client.http.post(
        "/api/assets", files={field: ("lion.png", content, "image/png")}, headers=headers
    )


async def test_an_upload_is_answered_with_its_path_twice(still: Client) -> None:
    answer = await upload(still, picture())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["asset"]["key"] == body["fileContent"]["path"]
    assert body["asset"]["key"].startswith("development/images/20")
    assert body["asset"]["mimetype"] == "image/png"
    assert (body["asset"]["size"], body["asset"]["acl"]) == (len(picture()), "private")
    assert set(body["asset"]["metadata"]) == {"team-id", "user-id"}
    assert PAYER_NAME not in answer.text
    assert (await still.summary())["outcomes"]["assets"] == {"stored": 1}


@pytest.mark.parametrize(
    ("content", "field", "status"),
    [(b"no image", "asset", 400), (picture(), "file", 400), (picture("GIF"), "asset", 400)],
)
async def test_what_is_no_image_or_in_the_wrong_field_is_refused(
    still: Client, content: bytes, field: str, status: int
) -> None:
    answer = await upload(still, content, field=field)
    assert answer.status_code == status
    assert answer.json()["message"]


async def test_it_refuses_bodies_that_are_no_forms_keys_and_large_files(
    still: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await still.http.post("/api/assets", json={})).status_code == 400
    monkeypatch.setattr(assets, "MAX_BYTES", 100)
    assert (await upload(still, picture())).status_code == 413
    await still.http.post("/_simulator/account", json={"rejected": "deleted"})
    assert (await upload(still, picture())).status_code == 401


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [("rate_limited", {"retry_after": 2}, 429), ("http_503", {}, 503), ("key_inactive", {}, 401)],
)
async def test_it_has_faults(
    still: Client, name: str, options: dict[str, Any], status: int
) -> None:
    await still.fault(name, {"path": "assets"}, **options)
    assert (await upload(still, picture())).status_code == status
    assert (await upload(still, picture())).status_code == 200


def made_of(image: str) -> dict[str, Any]:
    asked = body(imageUrl=image, duration="5s")
    return {**asked, "type": "IMAGE_TO_VIDEO"}


async def test_a_film_begins_with_its_image(live: Client, tmp_path: Path) -> None:
    key = (await upload(live, picture("JPEG", (300, 300), (20, 160, 60)))).json()["asset"]["key"]
    answer = await live.http.post("/api/features", json=made_of(key))
    assert answer.status_code == 200, answer.text
    record = answer.json()["aiRecord"]
    assert record["type"] == "IMAGE_TO_VIDEO"
    assert record["aiRecordDetail"]["promptObject"]["imageUrl"] == key

    async def ended() -> bool:
        return bool((await live.result(record["uuid"]))["status"] == "SUCCESS")

    await until(ended)
    film = tmp_path / "film.mp4"
    link = (await live.result(record["uuid"]))["temporaryUrl"]
    film.write_bytes((await live.http.get(link)).content)
    with av.open(str(film)) as container:
        frame = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    assert frame.size == (1280, 720)
    for seen, wanted in zip(frame.getpixel((640, 360)), (20, 160, 60), strict=True):
        assert abs(seen - wanted) < 12


async def test_a_file_of_another_account_is_none(still: Client) -> None:
    key = (await upload(still, picture())).json()["asset"]["key"]
    for wrong, headers in ((key, {"API-KEY": "another-account"}), ("development/x.png", {})):
        answer = await still.http.post("/api/features", json=made_of(wrong), headers=headers)
        assert answer.status_code == 422
        assert answer.json()["errorCode"] == "PROMPT_OBJECT_VALIDATION_FAILED"
        assert "promptObject.imageUrl" in answer.text
    assert (await still.http.post("/api/features", json=made_of(key))).status_code == 200
    assert (await still.summary())["records"] == 1
