"""Uploads to the simulator, as 1min.ai documents them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.simulator import assets
from app.simulator.config import PAYER_NAME
from tests.harness.pictures import picture
from tests.simulator.conftest import Client


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
