"""ID tokens: whether one is the issuer's, for us, and the answer to what we asked.

OpenID Connect Core, 3.1.3.7, with the advice of RFC 8725: algorithms come from our list and never
from the token, keys from the issuer's own document and never from the token's header.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc._rfc7515.model import JWSAlgModel
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.domain.issuers import Issuer, Refusal, SignInRefused
from app.oidc.json_answers import json_object
from app.oidc.pending import LEEWAY_SECONDS

Key = RSAKey | ECKey | OKPKey

#: Asymmetric algorithms → the kind of their keys. With a symmetric one, whoever knows the client's
#: secret, or takes the public key for it, could sign.
ALGORITHMS: dict[str, type[Key]] = {
    "RS256": RSAKey, "RS384": RSAKey, "RS512": RSAKey,
    "PS256": RSAKey, "PS384": RSAKey, "PS512": RSAKey,
    "ES256": ECKey, "ES384": ECKey, "ES512": ECKey,
    "EdDSA": OKPKey, "Ed25519": OKPKey,
}  # fmt: skip
_KINDS: dict[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_MOST_KEYS = 100
_SMALLEST_RSA_BITS = 2_048
#: A token is made when its code is redeemed, which was moments ago.
_OLDEST_SECONDS = 600
_MOST_CHARACTERS = 100_000
_MOST_SUBJECT = 255


class _Registry(jws.JWSRegistry):
    #: Some issuers send a certificate chain along, which is not looked at.
    max_header_length = 16_384

    def get_alg(self, name: str) -> JWSAlgModel:
        # Our list decides. The library's own warns of EdDSA, which issuers still say for Ed25519.
        return self.algorithms[name]


#: Headers that it does not know are ignored, but not if `crit` names them (RFC 7515, 4.1.11).
_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


class UnknownKey(Exception):
    """The token names a key that the issuer's document does not have: it may have been rotated."""


def read_keys(document: Mapping[str, Any]) -> list[Key]:
    """The keys of a JWKS that may verify something. One that is unfit does not spoil the others."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise _wrong("the keys are no list")
    found: list[Key] = []
    for entry in entries[:_MOST_KEYS]:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kind = _KINDS.get(str(entry.get("kty")))
        # A JWK with private parts is everybody's to sign with.
        if kind is None or "d" in entry:
            continue
        try:
            with warnings.catch_warnings():
                # Of short keys, which are left out.
                warnings.simplefilter("ignore")
                key = kind.import_key(entry)
            size = key.public_key.key_size if isinstance(key, RSAKey) else _SMALLEST_RSA_BITS
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if size >= _SMALLEST_RSA_BITS:
            found.append(key)
    return found


def verify(
    token: str, keys: Sequence[Key], *, issuer: Issuer, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims. Raises `SignInRefused`, and `UnknownKey`."""
    if len(token) > _MOST_CHARACTERS or not token.isascii():
        raise _wrong("the token is too long, or is none")
    try:
        unverified = jws.extract_compact(token.encode(), registry=_REGISTRY)
        header = unverified.headers()
    except (JoseError, ValueError, RecursionError, TypeError):
        raise _wrong("the token cannot be read") from None
    algorithm = header.get("alg")
    kind = ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if kind is None or not isinstance(algorithm, str):
        raise _wrong("the token's algorithm is not allowed")
    key = _key(keys, header.get("kid"), kind, algorithm)
    try:
        signed = jws.deserialize_compact(token, key, algorithms=[algorithm], registry=_REGISTRY)
        payload = signed.payload
    except (JoseError, ValueError, TypeError):
        raise _wrong("the token's signature is wrong") from None
    claims = json_object(payload, "the token's claims are no object")
    _check(claims, issuer=issuer, nonce=nonce, now=int(now.timestamp()))
    return claims


def _key(keys: Sequence[Key], kid: object, kind: type[Key], algorithm: str) -> Key:
    fit = [
        key for key in keys
        if isinstance(key, kind) and key.get("alg") in (None, algorithm)
    ]  # fmt: skip
    if kid is None:
        # Allowed to issuers with one key (OpenID Connect Core, 10.1).
        if len(fit) != 1:
            raise _wrong("the token does not say which key signed it")
        return fit[0]
    named = [key for key in fit if key.get("kid") == kid]
    if not named:
        raise UnknownKey
    return named[0]


def _check(claims: Mapping[str, Any], *, issuer: Issuer, nonce: str, now: int) -> None:
    if claims.get("iss") != issuer.issuer:
        raise _wrong("iss is another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or issuer.client_id not in audiences:
        raise _wrong("aud is another client")
    party = claims.get("azp")
    if (party is not None or len(audiences) > 1) and party != issuer.client_id:
        raise _wrong("azp is another client")
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    if expires <= now - LEEWAY_SECONDS:
        raise _wrong("exp is past")
    if issued > now + LEEWAY_SECONDS:
        raise _wrong("iat is in the future")
    if issued < now - _OLDEST_SECONDS:
        raise _wrong("iat is long past")
    if "nbf" in claims and _instant(claims, "nbf") > now + LEEWAY_SECONDS:
        raise _wrong("nbf is in the future")
    given = claims.get("nonce")
    if not isinstance(given, str) or not _same(given, nonce):
        raise _wrong("nonce is another one")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MOST_SUBJECT:
        raise _wrong("sub is no name")
    if not subject.isprintable():
        raise _wrong("sub is no name")


def _same(given: str, expected: str) -> bool:
    # JSON can hold half characters, which no encoding has.
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _instant(claims: Mapping[str, Any], name: str) -> int:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _wrong(f"{name} is no instant")
    if not 0 <= found <= 10**12:
        raise _wrong(f"{name} is no instant")
    return int(found)


def _wrong(check: str) -> SignInRefused:
    return SignInRefused(Refusal.ISSUER_ANSWER, check)
