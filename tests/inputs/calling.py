"""Uploads through the APIs of a gateway."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.gateway import Gateway, body
from tests.harness.pictures import picture

PATH = "/api/v1/inputs"


async def upload(
    gate: Gateway, key: str, content: bytes | None = None, *, name: str = "lion.png"
) -> httpx.Response:
    sent = picture() if content is None else content
    return await gate.http.post(
        PATH, headers={"API-KEY": key}, files={"file": (name, sent, "image/png")}
    )


async def uploaded(
    gate: Gateway, key: str, content: bytes | None = None, *, name: str = "lion.png"
) -> dict[str, Any]:
    """The document of a new input."""
    answer = await upload(gate, key, content, name=name)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def call(gate: Gateway, key: str, method: str, path: str = "", **more: Any) -> httpx.Response:
    return await gate.http.request(method, f"{PATH}{path}", headers={"API-KEY": key}, **more)


def image_body(image: str, prompt: str = "it begins to move", **options: Any) -> dict[str, Any]:
    """A native create of a video that begins with an image."""
    return {**body(prompt, imageUrl=image, **options), "type": "IMAGE_TO_VIDEO"}


def image_request(image: str, prompt: str = "it begins to move", **options: Any) -> dict[str, Any]:
    """The same in the own REST."""
    return {
        "feature": "IMAGE_TO_VIDEO", "model": "ray-v3-image", "prompt": prompt, "duration": "5s",
        "image": image, **options,
    }  # fmt: skip


async def made_of(gate: Gateway, key: str, image: str, **options: Any) -> str:
    """The id of a new generation that begins with an image."""
    answer = await gate.http.post(
        "/api/v1/generations", headers={"API-KEY": key}, json=image_request(image, **options)
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])
