"""Somebody who manages teams, members and keys over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from app.domain.caller import Role
from tests.harness.gateway import Gateway


class Desk:
    """Calls the API with one key."""

    def __init__(self, gate: Gateway, key: str) -> None:
        self._gate, self._key = gate, key

    async def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self._gate.http.request(
            method, path, json=body, headers={"API-KEY": self._key, **(headers or {})}
        )


async def operator(gate: Gateway) -> Desk:
    return Desk(gate, await gate.member("root", team="default", role=Role.ADMIN))
