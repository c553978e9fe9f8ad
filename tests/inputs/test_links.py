"""Luma's APIs echo what a video begins with: by a signed link of ours, which needs no key."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from tests.harness.gateway import Gateway
from tests.harness.pictures import picture
from tests.inputs.calling import call, uploaded
from tests.luma.calling import AGENTS, DREAM_MACHINE, ask_agents, dream, look


async def begun(gate: Gateway, key: str, image: str, *, agents: bool) -> httpx.Response:
    if agents:
        return await ask_agents(gate, key, {"video": {"start_frame": {"url": image}}})
    frames = {"frame0": {"type": "image", "url": image}}
    return await dream(gate, key, {"model": "ray-2", "prompt": "a lion", "keyframes": frames})


def frame_of(document: dict[str, Any], *, agents: bool) -> dict[str, Any]:
    found: dict[str, Any] = (
        document["video"]["start_frame"] if agents else document["request"]["keyframes"]["frame0"]
    )
    return found


@pytest.mark.parametrize("agents", [False, True], ids=["dream_machine", "agents"])
async def test_the_echo_opens_the_image(still_gate: Gateway, agents: bool) -> None:
    key = await still_gate.member()
    content = picture("JPEG")
    document = await uploaded(still_gate, key, content)
    made = await begun(still_gate, key, document["id"], agents=agents)
    assert made.status_code == 201, made.text
    base = AGENTS if agents else DREAM_MACHINE
    seen = await look(still_gate, key, f"{base}/generations/{made.json()['id']}")
    for answer in (made, seen):
        frame = frame_of(answer.json(), agents=agents)
        assert frame.get("type") == (None if agents else "image")
        link = urlsplit(frame["url"])
        opened = await still_gate.http.get(f"{link.path}?{link.query}")
        assert (opened.status_code, opened.content) == (200, content)
        assert opened.headers["content-type"] == "image/jpeg"
        assert opened.headers["content-security-policy"] == "default-src 'none'; sandbox"
    other = f"{link.path}?{link.query[:-2]}AA"
    assert (await still_gate.http.get(other)).status_code == 403
    # It opens nothing else, and nothing of another.
    for path in (
        f"/media/{document['id']}.mp4", f"/media/{document['id']}.webp",
        f"/media/{UUID(int=0)}.image", f"/media/{document['id']}",
    ):  # fmt: skip
        assert (await still_gate.http.get(f"{path}?{link.query}")).status_code == 403
    await still_gate.http.post(
        f"/api/v1/generations/{made.json()['id']}/cancel", headers={"API-KEY": key}
    )
    assert (await call(still_gate, key, "DELETE", f"/{document['id']}")).status_code == 204
    assert (await still_gate.http.get(f"{link.path}?{link.query}")).status_code == 404


async def test_what_begins_with_no_image_echoes_none(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await dream(still_gate, key, {"model": "ray-2", "prompt": "a lion"})
    assert "keyframes" not in answer.json()["request"]
    answer = await ask_agents(still_gate, key)
    assert "start_frame" not in answer.json()["video"]
