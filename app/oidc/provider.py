"""One issuer, as this process asks it: what it announces, its keys, its tokens.

    authorization_url   where to send the browser
    claims              what the issuer says of the person who came back with a code

Every address goes through the guarded fetcher: https, and no private address but those that the
settings name. Every answer is bounded in size and time, and every failure is a `SignInRefused`.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from app.domain.issuers import Issuer, Refusal, SignInRefused
from app.fetch import FetchError, FetchFailed, GuardedFetcher
from app.http_client import RequestFailed
from app.oidc import tokens
from app.oidc.json_answers import json_object
from app.oidc.pending import Begun

#: Of each request.
SECONDS = 10.0
MOST_BYTES = 262_144
#: What an issuer announces, and its keys, are asked for again after this: a key that it withdrew is
#: good for no longer.
_FRESH_SECONDS = 3_600.0
#: Whoever sends tokens with unknown keys makes us ask for keys no more often than this.
ROTATION_SECONDS = 30.0
#: After a failure nobody is kept waiting for another one.
FAILURE_SECONDS = 5.0
#: What an issuer may say of a code that it does not take (RFC 6749, 5.2).
_TOKEN_ERRORS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
     "unsupported_grant_type", "invalid_scope"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Announced:
    """Of the discovery document (OpenID Connect Discovery 1.0, 3)."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    #: Whether answers name the issuer (RFC 9207).
    names_issuer: bool
    secret_in_body: bool


class Provider:
    """`elapsed` is a clock that never goes back."""

    def __init__(
        self,
        issuer: Issuer,
        fetcher: GuardedFetcher,
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._fetcher = fetcher
        self._elapsed = elapsed
        self._lock = asyncio.Lock()
        self._announced: tuple[float, _Announced] | None = None
        self._keys: tuple[float, list[tokens.Key]] | None = None
        self._failed: tuple[float, tuple[Refusal, str]] | None = None

    async def authorization_url(self, begun: Begun, *, redirect_uri: str) -> str:
        """Raises `SignInRefused`."""
        announced = await self._discovered()
        query = {
            "response_type": "code",
            "client_id": self.issuer.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.issuer.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        if begun.afresh:
            query |= {"prompt": "login", "max_age": "0"}
        separator = "&" if "?" in announced.authorization else "?"
        return f"{announced.authorization}{separator}{urlencode(query)}"

    async def check_answerer(self, given: str | None) -> None:
        """`given` is the answer's `iss`. With several issuers, a hostile one could else pass off
        the code of another (RFC 9207, 2.4). Raises `SignInRefused`."""
        announced = await self._discovered()
        if given != self.issuer.issuer and (given is not None or announced.names_issuer):
            raise _wrong("the answer is another issuer's")

    async def claims(
        self, code: str, begun: Begun, *, redirect_uri: str, now: datetime
    ) -> dict[str, Any]:
        """Of the ID token, and of UserInfo what it lacks. Raises `SignInRefused`."""
        announced = await self._discovered()
        answer = await self._redeem(announced, code, begun, redirect_uri)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _wrong("there is no ID token")
        claims = await self._verified(announced, token, begun, now)
        access = answer.get("access_token")
        if announced.userinfo is None or not isinstance(access, str):
            return claims
        more = await self._userinfo(announced.userinfo, access)
        # Without this, somebody else's claims could be joined (OpenID Connect Core, 5.3.2).
        if more.get("sub") != claims["sub"]:
            raise _wrong("UserInfo is about somebody else")
        return {**more, **claims}

    async def _redeem(
        self, announced: _Announced, code: str, begun: Begun, redirect_uri: str
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        client, secret = self.issuer.client_id, self.issuer.client_secret
        if secret is None or announced.secret_in_body:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        else:
            # Each is encoded as in a form first (RFC 6749, 2.3.1).
            pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        status, body = await self._fetch(
            announced.token, method="POST", headers=headers, content=urlencode(form).encode()
        )
        if status == 200:
            return json_object(body, "the answer with the tokens is no object")
        if status >= 500:
            raise SignInRefused(Refusal.ISSUER_AWAY, "the token endpoint failed")
        said = json_object(body, "the code was not taken").get("error")
        known = said if isinstance(said, str) and said in _TOKEN_ERRORS else "for no known reason"
        raise _wrong(f"the code was not taken: {known}")

    async def _verified(
        self, announced: _Announced, token: str, begun: Begun, now: datetime
    ) -> dict[str, Any]:
        keys = await self._current_keys(announced)
        try:
            return tokens.verify(token, keys, issuer=self.issuer, nonce=begun.nonce, now=now)
        except tokens.UnknownKey:
            keys = await self._current_keys(announced, newer_than=ROTATION_SECONDS)
        try:
            return tokens.verify(token, keys, issuer=self.issuer, nonce=begun.nonce, now=now)
        except tokens.UnknownKey:
            raise _wrong("the token is signed with an unknown key") from None

    async def _userinfo(self, address: str, access: str) -> dict[str, Any]:
        if not access.isascii() or not access.isprintable() or " " in access:
            raise _wrong("the access token cannot be sent")
        status, body = await self._fetch(address, headers={"Authorization": f"Bearer {access}"})
        if status != 200:
            refusal = Refusal.ISSUER_AWAY if status >= 500 else Refusal.ISSUER_ANSWER
            raise SignInRefused(refusal, "UserInfo was not given")
        return json_object(body, "UserInfo is no object")

    async def _discovered(self) -> _Announced:
        async with self._asking():
            if self._announced is None or self._is_old(self._announced[0], _FRESH_SECONDS):
                base = self.issuer.issuer.rstrip("/")
                document = await self._document(f"{base}/.well-known/openid-configuration")
                self._announced = (self._elapsed(), self._read(document))
            return self._announced[1]

    async def _current_keys(
        self, announced: _Announced, *, newer_than: float = _FRESH_SECONDS
    ) -> list[tokens.Key]:
        async with self._asking():
            if self._keys is None or self._is_old(self._keys[0], newer_than):
                document = await self._document(announced.keys)
                self._keys = (self._elapsed(), tokens.read_keys(document))
            return self._keys[1]

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """One at a time asks the issuer for its documents; the others take what it got, also its
        failure. Raises `SignInRefused`."""
        async with self._lock:
            if self._failed is not None and not self._is_old(self._failed[0], FAILURE_SECONDS):
                raise SignInRefused(*self._failed[1])
            try:
                yield
            except SignInRefused as error:
                self._failed = (self._elapsed(), (error.refusal, error.check))
                raise

    def _is_old(self, at: float, seconds: float) -> bool:
        return self._elapsed() >= at + seconds

    def _read(self, document: Mapping[str, Any]) -> _Announced:
        if document.get("issuer") != self.issuer.issuer:
            raise _wrong("the discovery document is another issuer's")
        methods = document.get("token_endpoint_auth_methods_supported")
        # Without the list: client_secret_basic (OpenID Connect Discovery 1.0, 3).
        in_body = isinstance(methods, list) and "client_secret_basic" not in methods
        userinfo = document.get("userinfo_endpoint")
        return _Announced(
            authorization=self._address(document.get("authorization_endpoint")),
            token=self._address(document.get("token_endpoint")),
            keys=self._address(document.get("jwks_uri")),
            userinfo=None if userinfo is None else self._address(userinfo),
            names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body=in_body,
        )

    def _address(self, found: object) -> str:
        """Also of where the browser is sent, which could else be a script, or leave https."""
        if not isinstance(found, str) or "#" in found:
            raise _wrong("the discovery document lacks an address")
        try:
            self._fetcher.permit(found)
        except FetchError:
            raise _wrong("the discovery document has an address that is not allowed") from None
        return found

    async def _document(self, address: str) -> dict[str, Any]:
        status, body = await self._fetch(address)
        if status != 200:
            refusal = Refusal.ISSUER_AWAY if status >= 500 else Refusal.ISSUER_ANSWER
            raise SignInRefused(refusal, "a document of the issuer was not given")
        return json_object(body, "a document of the issuer is no object")

    async def _fetch(
        self,
        address: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> tuple[int, bytes]:
        body = bytearray()
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._fetcher.stream(
                    address, method=method, content=content,
                    headers={"Accept": "application/json", **(headers or {})},
                ) as response,
            ):  # fmt: skip
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise _wrong("the issuer's answer is compressed, which was not asked for")
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise _wrong("the issuer's answer is too large")
                return response.status_code, bytes(body)
        except TimeoutError:
            raise SignInRefused(Refusal.ISSUER_AWAY, "the issuer is too slow") from None
        except FetchFailed as failed:
            raise SignInRefused(Refusal.ISSUER_AWAY, f"fetching: {failed.reason}") from None
        except RequestFailed as failed:
            raise SignInRefused(Refusal.ISSUER_AWAY, f"fetching: {failed.reason}") from None
        except FetchError:
            raise _wrong("an address of the issuer is not allowed") from None


def _wrong(check: str) -> SignInRefused:
    return SignInRefused(Refusal.ISSUER_ANSWER, check)
