"""An issuer whose every answer a test may replace, for what no real one does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.domain.issuers import Issuer
from app.fetch import FetchPolicy, GuardedFetcher
from app.http_client import HttpClient
from app.oidc.pending import Begun, BegunSignIns
from app.oidc.provider import Provider
from tests.upstream.loopback import Connection, Request, http, serving

CLIENT = "reelgate"
SUBJECT = "248289761001"
CALLBACK = "http://gateway/app/oidc/test/callback"
#: Generating one takes a tenth of a second.
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def signed(
    claims: dict[str, Any] | bytes, key: Any = RSA, algorithm: str = "RS256", **header: Any
) -> str:
    """A header that is None is left out."""
    named = {"alg": algorithm, "kid": key.get("kid"), **header}
    protected = {name: value for name, value in named.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(protected, payload, key, algorithms=[algorithm])


def public(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@dataclass
class Scripted:
    """`answers` are by path; a callable gets the request. A test replaces what it is about."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    announced: dict[str, Any] = field(default_factory=dict)
    #: Claims of the next token; None leaves one out.
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": SUBJECT})
    sign: Callable[[dict[str, Any]], str] = signed
    keys: dict[str, Any] = field(default_factory=lambda: public(RSA, EC, ED))

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/me",
            **self.announced,
        }

    def token(self, begun: Begun, *, now: datetime) -> str:
        at = int(now.timestamp())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": SUBJECT, "nonce": begun.nonce, "iat": at,
            "exp": at + 300, **self.claims,
        }  # fmt: skip
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def asked(self, path: str) -> list[Request]:
        return [each for each in self.requests if each.path == path]

    def form(self) -> dict[str, str]:
        """Of the last request for a token."""
        body = self.asked("/token")[-1].body.decode()
        return {name: values[0] for name, values in parse_qs(body).items()}

    def _answer(self, request: Request) -> Any:
        plain = {
            "/.well-known/openid-configuration": self.document,
            "/jwks": lambda: self.keys,
            "/me": lambda: self.userinfo,
        }
        found = self.answers.get(request.path) or plain.get(request.path)
        return found() if callable(found) else found

    async def script(self, connection: Connection) -> None:
        request = await connection.request()
        found = self._answer(request)
        if asyncio.iscoroutine(found):
            found = await found
        if isinstance(found, bytes):
            await connection.send(found)
        elif found is None:
            await connection.send(http(404, b"{}"))
        else:
            await connection.send(http(200, json.dumps(found).encode()))


@contextlib.asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    issuer = Scripted()
    async with serving(issuer.script) as server:
        issuer.url, issuer.requests = server.url, server.requests
        yield issuer


class Elapsed:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def issuer_at(url: str, **changes: Any) -> Issuer:
    values: dict[str, Any] = {
        "id": "test", "issuer": url, "name": "Test", "client_id": CLIENT,
        "client_secret": "a +secret%", "internal_origins": frozenset({url}), **changes,
    }  # fmt: skip
    return Issuer(**values)


def provider_at(url: str, *, elapsed: Elapsed | None = None, **changes: Any) -> Provider:
    issuer = issuer_at(url, **changes)
    policy = FetchPolicy(hosts=None, trusted_origins=issuer.internal_origins, max_redirects=0)
    fetcher = GuardedFetcher(HttpClient(max_connections=10), policy)
    return Provider(issuer, fetcher, elapsed=elapsed or Elapsed())


def begun_at(now: datetime, **changes: Any) -> Begun:
    values: dict[str, Any] = {"return_to": "", "afresh": False, **changes}
    return BegunSignIns(b"secret").make("test", now=now, **values)[1]
