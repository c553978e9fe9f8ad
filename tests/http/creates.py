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
    """`id_of` and `state_of` read an answer; `former` is put into the path of those that start
    from another generation."""

    path: str
    body: dict[str, Any]
    id_of: Callable[[dict[str, Any]], str]
    state_of: Callable[[dict[str, Any]], str]
    former: bool = False

    async def ready(self, gate: Gateway, key: str) -> Create:
        """With all that must be there before it."""
        if not self.former:
            return self
        # Canceled: whatever starts from another generation may start from this one.
        made = (await gate.create(key)).json()["aiRecord"]["uuid"]
        path = f"/api/v1/generations/{made}/cancel"
        assert (await gate.http.post(path, headers={"API-KEY": key})).is_success
        return replace(self, path=self.path.format(former=made), former=False)

    async def post(self, gate: Gateway, key: str, **headers: str) -> httpx.Response:
        """`_` in a header's name is a dash."""
        ready = await self.ready(gate, key)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await gate.http.post(ready.path, json=ready.body, headers={"API-KEY": key, **named})

    def uuid(self, answer: httpx.Response) -> UUID:
        found = parse_generation_id(self.id_of(answer.json()))
        assert found is not None
        return found


CREATES: dict[str, Create] = {
    "1min.ai": Create(
        "/api/features", body("a lion"),
        lambda found: str(found["aiRecord"]["uuid"]), lambda found: found["aiRecord"]["status"],
    ),
    "own REST": Create(
        "/api/v1/generations",
        {"feature": "TEXT_TO_VIDEO", **_LION, "model": "ray-v3", "duration": "5s"},
        lambda found: str(found["id"]), lambda found: found["state"],
    ),
    "own REST, retry": Create(
        "/api/v1/generations/{former}/retry", {},
        lambda found: str(found["id"]), lambda found: found["state"], former=True,
    ),
    "OpenAI": Create(
        "/v1/videos", _LION, lambda found: str(found["id"]), lambda found: found["status"],
    ),
    "OpenAI, remix": Create(
        "/v1/videos/{former}/remix", _LION,
        lambda found: str(found["id"]), lambda found: found["status"], former=True,
    ),
    "Luma Dream Machine": Create(
        "/dream-machine/v1/generations/video", {**_LION, "model": "ray-2"},
        lambda found: str(found["id"]), lambda found: found["state"],
    ),
    "Luma Dream Machine, first SDKs": Create(
        "/dream-machine/v1/generations", _LION,
        lambda found: str(found["id"]), lambda found: found["state"],
    ),
    "Luma Agents": Create(
        "/luma/v1/generations", {**_LION, "type": "video"},
        lambda found: str(found["id"]), lambda found: found["state"],
    ),
}  # fmt: skip
