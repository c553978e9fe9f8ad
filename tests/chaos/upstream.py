"""What a run asks of and does to the simulator's process; again and again while it is away."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx

from tests.chaos.site import plain_http

_TRIES = 600
_PAUSE_SECONDS = 0.1


class Upstream:
    def __init__(self, address: str) -> None:
        self._http = plain_http(base_url=address, timeout=20)

    async def close(self) -> None:
        await self._http.aclose()

    async def rule(self, rule: dict[str, Any]) -> None:
        """A rule lives as long as the process: a killed one takes it along."""
        answer = await self._call("POST", "/_simulator/rules", rule)
        assert answer.status_code == 201, answer.text

    async def unmet(self) -> list[dict[str, Any]]:
        """Rules that have disruptions nobody yet, as they were given."""
        rules = (await self._call("GET", "/_simulator/rules")).json()["rules"]
        kept = ("match", "times", "fault")
        return [{name: rule[name] for name in kept} for rule in rules if not rule["hits"]]

    async def account(self, **change: Any) -> None:
        await self._call("POST", "/_simulator/account", change)

    async def pardon(self) -> None:
        """No fault from now on, and every account good and paid up."""
        await self._call("DELETE", "/_simulator/rules")
        await self.account(rejected=None, credit_limit=10**12, used_credit=0)

    async def books(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self._call("GET", "/_simulator/summary")).json()
        return found

    async def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        for _ in range(_TRIES):
            with contextlib.suppress(httpx.TransportError):
                return await self._http.request(method, path, json=body)
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("the simulator stays away")
