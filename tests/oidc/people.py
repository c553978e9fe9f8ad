"""A person with a browser, between the gateway and a real issuer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.harness.gateway import Gateway
from tests.oidc.real import RealIssuer
from tests.web.browser import browser

GATEWAY = "http://127.0.0.1:8080"


class Traveller:
    """`here` is its browser at the gateway, `there` the same one at the issuer."""

    def __init__(self, here: httpx.AsyncClient, there: httpx.AsyncClient) -> None:
        self.here, self.there = here, there

    async def begin(self, issuer_id: str = "real", **query: str) -> str:
        """Where the gateway sends the browser."""
        sent = await self.here.get(f"/app/oidc/{issuer_id}/begin", params=query)
        assert sent.status_code == 303, sent.text
        return sent.headers["location"]

    async def through(self, url: str, who: str) -> str:
        """Where the issuer sends it, once it is `who`. Nobody is asked whom the issuer knows."""
        while not url.startswith(GATEWAY):
            if "/interaction/" in url:
                url = f"{url}?who={who}"
            answer = await self.there.get(url)
            assert answer.status_code in (302, 303), answer.text
            url = str(httpx.URL(url).join(answer.headers["location"]))
        return url

    async def back(self, url: str) -> httpx.Response:
        return await self.here.get(url)

    async def sign_in(self, who: str = "ada", **query: str) -> httpx.Response:
        return await self.back(await self.through(await self.begin(**query), who))

    async def me(self) -> dict[str, Any]:
        answer = await self.here.get("/api/v1/me")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@contextlib.asynccontextmanager
async def traveller(gate: Gateway, real: RealIssuer) -> AsyncIterator[Traveller]:
    async with (
        browser(gate, GATEWAY) as here,
        httpx.AsyncClient(trust_env=False, timeout=60) as there,
    ):
        yield Traveller(here, there)
