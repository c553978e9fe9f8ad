"""Makes and checks API keys, signed links, stream tokens and webhook secrets. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

_PREFIX = "rg_"
_SHOWN = len(_PREFIX) + 8


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key. Its secret is not stored."""

    secret: str = field(repr=False)

    @property
    def prefix(self) -> str:
        return self.secret[:_SHOWN]

    @property
    def digest(self) -> bytes:
        return digest_of(self.secret)


def make_key() -> NewKey:
    """240 random bits, so its hash needs no salt and no key stretching."""
    return NewKey(_PREFIX + secrets.token_urlsafe(30))


def make_session_secret() -> str:
    """256 random bits. Begins like a key, so that whatever redacts keys redacts it too."""
    return "rg_session_" + secrets.token_urlsafe(32)


def make_link_secret() -> str:
    """The same, of a link that signs in once."""
    return "rg_link_" + secrets.token_urlsafe(32)


def make_share_secret() -> str:
    """The same, of a link to one video."""
    return "rg_share_" + secrets.token_urlsafe(32)


def prefix_of(secret: str) -> str | None:
    """What may be shown of a key, also of one that nobody has. None where it is no key of ours."""
    return secret[:_SHOWN] if re.fullmatch(rf"{_PREFIX}[\w-]{{40}}", secret, re.ASCII) else None


def shown_of(beginning: str) -> str:
    """As much of it as may be shown, and is kept, of a key that begins like this."""
    return beginning[:_SHOWN]


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def fingerprint_of(upstream_key: str) -> str:
    """Identifies an upstream key without revealing it."""
    return hashlib.sha256(upstream_key.encode()).hexdigest()[:16]


#: The endings of the files that links open.
VIDEO = ".mp4"
THUMBNAIL = ".webp"
#: Of an input, whatever its format.
IMAGE = ".image"


class LinkSigner:
    """Makes and checks `/media/{id}.mp4?expires=…&sig=…`: HMAC-SHA256 over the file and the
    expiry. The file is the id for a video, and the id with its ending for anything else, so that no
    link opens another file of its generation. The id is the generation's or, of an image that it is
    made of, that of the input."""

    def __init__(self, secret: bytes, *, base_url: str) -> None:
        self._secret = hashlib.sha256(b"reelgate media link\x00" + secret).digest()
        self._base_url = base_url

    def link(
        self, generation_id: UUID, *, now: datetime, seconds: float, ending: str = VIDEO
    ) -> str:
        expires = int((now + timedelta(seconds=seconds)).timestamp())
        return (
            f"{self._base_url}/media/{generation_id}{ending}?expires={expires}"
            f"&sig={self._signature(generation_id, expires, ending)}"
        )

    def valid(
        self, generation_id: UUID, *, expires: str, signature: str, now: datetime,
        ending: str = VIDEO,
    ) -> bool:  # fmt: skip
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        expected = self._signature(generation_id, int(expires), ending)
        known = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        return known and now.timestamp() < int(expires)

    def _signature(self, generation_id: UUID, expires: int, ending: str) -> str:
        file = generation_id if ending == VIDEO else f"{generation_id}{ending}"
        message = f"{file}.{expires}".encode()
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class StreamToken:
    """What a token opens: the stream of one generation, or if that is None, every stream of the
    key's member."""

    key_id: UUID
    generation_id: UUID | None


class StreamTokens:
    """Short-lived tokens for event streams. A browser needs them: its EventSource sends no headers.

    A token is key id, expiry, the generation if it is for one, and an HMAC-SHA256 over all of them,
    in URL-safe base64. It begins like an API key, so that whatever redacts keys redacts it too.
    """

    _PREFIX = "rg_events_"
    _SIGNATURE_BYTES = 24

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"reelgate stream pass\x00" + secret).digest()

    def make(self, key_id: UUID, *, expires_at: datetime, generation_id: UUID | None = None) -> str:
        payload = key_id.bytes + int(expires_at.timestamp()).to_bytes(8, "big")
        if generation_id is not None:
            payload += generation_id.bytes
        signed = payload + self._signature(payload)
        return self._PREFIX + base64.urlsafe_b64encode(signed).decode()

    def read(self, token: str, *, now: datetime) -> StreamToken | None:
        """None if it is invalid or has expired."""
        try:
            raw = base64.b64decode(token.removeprefix(self._PREFIX), altchars=b"-_", validate=True)
        except ValueError:
            return None
        payload, signature = raw[: -self._SIGNATURE_BYTES], raw[-self._SIGNATURE_BYTES :]
        if not hmac.compare_digest(self._signature(payload), signature):
            return None
        if now.timestamp() >= int.from_bytes(payload[16:24], "big"):
            return None
        generation = payload[24:]
        return StreamToken(UUID(bytes=payload[:16]), UUID(bytes=generation) if generation else None)

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._secret, payload, hashlib.sha256).digest()[: self._SIGNATURE_BYTES]


class WebhookSecrets:
    """Secrets that sign webhooks, in the format of Standard Webhooks: `whsec_` and base64.

    None of them is stored. Each is derived from our own secret and a random seed of its endpoint,
    so a copy of the database alone, or of the configuration alone, cannot sign anything.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"reelgate webhooks\x00" + secret).digest()

    def of_endpoint(self, seed: str) -> str:
        return self._derived(b"endpoint", seed)

    def of_member(self, member_id: UUID, seed: str = "") -> str:
        """Signs the webhooks to the callback URLs of a member's requests."""
        return self._derived(b"callbacks", f"{member_id}{seed}")

    def _derived(self, purpose: bytes, text: str) -> str:
        # 24 bytes are 32 characters without padding, which receivers' libraries handle differently.
        message = purpose + b"\x00" + text.encode()
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()[:24]
        return "whsec_" + base64.b64encode(digest).decode()


def make_seed() -> str:
    return secrets.token_hex(24)
