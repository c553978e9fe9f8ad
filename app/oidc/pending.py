"""A sign-in that a browser has begun and that an issuer is to answer.

What it needs to be recognized by is in a cookie of that browser, signed: an answer that reaches
another browser finds none. State, nonce and PKCE's verifier are derived from the cookie's random
seed and our own secret, so that the cookie alone reveals none of them. Nothing is written for
somebody whom nobody has signed in yet.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A person may have to look for a second factor.
LIFETIME = timedelta(minutes=15)
#: Clocks differ.
LEEWAY_SECONDS = 30
_PREFIX = "rg_begun_"
_SIGNATURE_BYTES = 32
_MOST_CHARACTERS = 4_000
#: Below `/app/`, as pages write their own addresses; no other place can be named with it.
_RETURN = re.compile(r"(?:[\w.~-]|%[0-9A-Fa-f]{2}|[/?&=+,:@!$'()*;])*", re.ASCII)
_MOST_RETURN = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """`afresh`: the person has to prove who it is, even if the issuer knows its browser. `state`,
    `nonce` and `verifier` are secrets between us, the browser and the issuer."""

    issuer_id: str
    return_to: str
    afresh: bool
    begun_at: datetime
    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """Of PKCE, by S256 (RFC 7636, 4.2)."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def digest(self) -> bytes:
        """What is remembered once it was answered."""
        return hashlib.sha256(self.state.encode()).digest()

    @property
    def until(self) -> datetime:
        return self.begun_at + LIFETIME


class BegunSignIns:
    """Makes and reads the cookies."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"reelgate oidc\x00" + secret).digest()

    def make(
        self, issuer_id: str, *, return_to: str, afresh: bool, now: datetime
    ) -> tuple[str, Begun]:
        seed = secrets.token_urlsafe(32)
        fields = [seed, issuer_id, safe_return(return_to), afresh, int(now.timestamp())]
        payload = json.dumps(fields, separators=(",", ":")).encode()
        cookie = _PREFIX + _base64(self._mac(b"cookie", payload) + payload)
        return cookie, self._begun(fields, now)

    def read(self, cookie: str, *, now: datetime) -> Begun | None:
        """None if it is not of ours, or too old."""
        if len(cookie) > _MOST_CHARACTERS or not cookie.startswith(_PREFIX):
            return None
        text = cookie.removeprefix(_PREFIX)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(self._mac(b"cookie", payload), signature):
            return None
        fields = json.loads(payload)
        begun_at = datetime.fromtimestamp(fields[4], tz=now.tzinfo)
        return self._begun(fields, begun_at) if now < begun_at + LIFETIME else None

    def _begun(self, fields: list[object], begun_at: datetime) -> Begun:
        seed, issuer_id, return_to, afresh, _ = fields
        state, nonce, verifier = (
            _base64(self._mac(purpose, f"{issuer_id}\x00{seed}".encode()))
            for purpose in (b"state", b"nonce", b"verifier")
        )
        return Begun(
            issuer_id=str(issuer_id), return_to=str(return_to), afresh=bool(afresh),
            begun_at=begun_at, state=state, nonce=nonce, verifier=verifier,
        )  # fmt: skip

    def _mac(self, purpose: bytes, message: bytes) -> bytes:
        return hmac.new(self._secret, purpose + b"\x00" + message, hashlib.sha256).digest()


def safe_return(path: str) -> str:
    """What may follow `/app/` in an address; nothing where the path would lead out of it."""
    named = path.partition("?")[0].lower().replace("%2e", ".").replace("%2f", "/")
    segments = named.split("/")
    if len(path) > _MOST_RETURN or path.startswith("/") or not _RETURN.fullmatch(path):
        return ""
    if "%5c" in named or "//" in named or any(segment in (".", "..") for segment in segments):
        return ""
    return path


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
