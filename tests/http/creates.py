"""Every way to ask for a video: the path, the body, and how its answer names what was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx

from app.domain.ids import parse_generation_id
from tests.harness.gateway import Gateway, body

_LION = {"prompt": "a lion"}


@dataclass(frozen=True, slots=True)
class Create:
    """`read` takes id and state from an answer, `sdk` says that SDKs call it. `{former}` in a path
    is the generation that it starts from."""

    path: str
    body: dict[str, Any]
    read: Callable[[dict[str, Any]], tuple[str, str]]
    sdk: bool

    async def ready(self, gate: Gateway, key: str) -> Create:
        """With all that must be there before it."""
        if "{former}" not in self.path:
            return self
        # Canceled: whatever starts from another generation may start from this one.
        made = (await gate.create(key)).json()["aiRecord"]["uuid"]
        path = f"/api/v1/generations/{made}/cancel"
        assert (await gate.http.post(path, headers={"API-KEY": key})).is_success
        return replace(self, path=self.path.format(former=made))

    async def post(self, gate: Gateway, key: str, **headers: str) -> httpx.Response:
        """`_` in a header's name is a dash."""
        ready = await self.ready(gate, key)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await gate.http.post(ready.path, json=ready.body, headers={"API-KEY": key, **named})

    def id_of(self, answer: httpx.Response) -> str:
        return self.read(answer.json())[0]

    def state_of(self, answer: httpx.Response) -> str:
        return self.read(answer.json())[1]

    def uuid(self, answer: httpx.Response) -> UUID:
        found = parse_generation_id(self.id_of(answer))
        assert found is not None
        return found


def _native(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["aiRecord"]["uuid"], answer["aiRecord"]["status"]


def _by_state(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["id"], answer["state"]


def _by_status(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["id"], answer["status"]


_OWN = {"feature": "TEXT_TO_VIDEO", **_LION, "model": "ray-v3", "duration": "5s"}
CREATES: dict[str, Create] = {
    "1min.ai": Create("/api/features", body("a lion"), _native, sdk=False),
    "own REST": Create("/api/v1/generations", _OWN, _by_state, sdk=False),
    "own REST, retry": Create("/api/v1/generations/{former}/retry", {}, _by_state, sdk=False),
    "OpenAI": Create("/v1/videos", _LION, _by_status, sdk=True),
    "OpenAI, remix": Create("/v1/videos/{former}/remix", _LION, _by_status, sdk=True),
    "Luma Dream Machine": Create(
        "/dream-machine/v1/generations/video", {**_LION, "model": "ray-2"}, _by_state, sdk=True
    ),
    "Luma Dream Machine, first SDKs": Create(
        "/dream-machine/v1/generations", _LION, _by_state, sdk=True
    ),
    "Luma Agents": Create("/luma/v1/generations", {**_LION, "type": "video"}, _by_state, sdk=True),
    "OpenRouter": Create(
        "/openrouter/api/v1/videos", {**_LION, "model": "ray-3"}, _by_status, sdk=False
    ),
}
