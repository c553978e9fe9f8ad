"""An ID token that is not the issuer's, not for us, not the answer, or not of now is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from app.domain.issuers import Refusal, SignInRefused
from app.oidc import tokens
from tests.oidc.scripted import (
    CLIENT,
    EC,
    ED,
    RSA,
    SUBJECT,
    issuer_at,
    public,
    signed,
)

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = issuer_at("https://id.example.com")
NONCE = "n-0S6_WzA2Mj"
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})


def claims(**changes: Any) -> dict[str, Any]:
    found = {
        "iss": ISSUER.issuer, "aud": CLIENT, "sub": SUBJECT, "nonce": NONCE, "iat": AT,
        "exp": AT + 300, **changes,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def verified(token: str, keys: dict[str, Any] | None = None) -> dict[str, Any]:
    document = public(RSA, EC, ED) if keys is None else keys
    return tokens.verify(token, tokens.read_keys(document), issuer=ISSUER, nonce=NONCE, now=NOW)


def refused(token: str, keys: dict[str, Any] | None = None) -> str:
    with pytest.raises(SignInRefused) as caught:
        verified(token, keys)
    assert caught.value.refusal is Refusal.ISSUER_ANSWER
    return caught.value.check


# Of the test, which signs by the name that issuers still use.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "RS512"), (RSA, "PS384"), (EC, "ES256"), (ED, "EdDSA"),
     (ED, "Ed25519")],
)  # fmt: skip
def test_a_good_token_is_taken(key: Any, algorithm: str) -> None:
    assert verified(signed(claims(), key, algorithm)) == claims()


@pytest.mark.parametrize(
    "good",
    [{"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}, {"azp": CLIENT},
     {"exp": AT - 29}, {"iat": AT + 30}, {"nbf": AT + 30}, {"iat": AT - 600}, {"exp": AT + 0.5},
     {"sub": "x" * 255}],
)  # fmt: skip
def test_what_is_allowed(good: dict[str, Any]) -> None:
    assert verified(signed(claims(**good))) == claims(**good)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"iss": "https://id.example.com/"}, "iss is another issuer"),
        ({"iss": None}, "iss is another issuer"),
        ({"iss": ["https://id.example.com"]}, "iss is another issuer"),
        ({"aud": "other"}, "aud is another client"),
        ({"aud": []}, "aud is another client"),
        ({"aud": None}, "aud is another client"),
        ({"aud": {CLIENT: 1}}, "aud is another client"),
        ({"aud": [CLIENT, "other"]}, "azp is another client"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "azp is another client"),
        ({"azp": "other"}, "azp is another client"),
        ({"exp": AT - 30}, "exp is past"),
        ({"exp": None}, "exp is no instant"),
        ({"exp": str(AT + 300)}, "exp is no instant"),
        ({"exp": True}, "exp is no instant"),
        ({"exp": 10**400}, "exp is no instant"),
        ({"exp": -1}, "exp is no instant"),
        ({"iat": AT + 31}, "iat is in the future"),
        ({"iat": AT - 601}, "iat is long past"),
        ({"iat": None}, "iat is no instant"),
        ({"nbf": AT + 31}, "nbf is in the future"),
        ({"nbf": "now"}, "nbf is no instant"),
        ({"nonce": "another"}, "nonce is another one"),
        ({"nonce": None}, "nonce is another one"),
        ({"nonce": [NONCE]}, "nonce is another one"),
        ({"nonce": "\ud800"}, "nonce is another one"),
        ({"sub": None}, "sub is no name"),
        ({"sub": ""}, "sub is no name"),
        ({"sub": 7}, "sub is no name"),
        ({"sub": "x" * 256}, "sub is no name"),
        ({"sub": "a\x00b"}, "sub is no name"),
        ({"sub": "\ud800"}, "sub is no name"),
    ],
)
def test_claims_that_are_refused(change: dict[str, Any], check: str) -> None:
    assert refused(signed(claims(**change))) == check


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def by_secret(secret: bytes) -> str:
    """Signed with a shared secret, which is no secret here."""
    message = unsigned({"alg": "HS256", "kid": "rsa"}).rpartition(".")[0]
    mac = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return unsigned({"alg": "HS256", "kid": "rsa"}, mac)


NOT_ALLOWED = "the token's algorithm is not allowed"
WRONG = "the token's signature is wrong"


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (lambda: unsigned({"alg": "none"}), NOT_ALLOWED),
        (lambda: unsigned({"alg": "None", "kid": "rsa"}), NOT_ALLOWED),
        (lambda: unsigned({"kid": "rsa"}), "the token cannot be read"),
        (lambda: unsigned({"alg": ["RS256"], "kid": "rsa"}), NOT_ALLOWED),
        (lambda: unsigned({"alg": "RS256", "kid": "rsa"}), WRONG),
        # Signed with what everybody knows, as if that were a shared secret.
        (lambda: by_secret(RSA.as_pem(private=False)), NOT_ALLOWED),
        (lambda: by_secret(b"a +secret%"), NOT_ALLOWED),
        # Of another key with the same name.
        (lambda: signed(claims(), OTHER), WRONG),
        # The key that the token itself brings along.
        (lambda: signed(claims(), OTHER, jwk=OTHER.as_dict(private=False)), WRONG),
        (lambda: signed(claims(), OTHER, jku="https://evil.example.com/jwks"), WRONG),
        # A key of one kind for an algorithm of another.
        (lambda: unsigned({"alg": "ES256", "kid": "ec"}, b"\0" * 64), WRONG),
        (lambda: signed(claims())[:-6] + "AAAAAA", WRONG),
        (lambda: signed(claims(), kid=None), "the token does not say which key signed it"),
        (lambda: "a.b", "the token cannot be read"),
        (lambda: "", "the token cannot be read"),
        (lambda: "ü.b.c", "the token is too long, or is none"),
        (lambda: "a" * 100_001, "the token is too long, or is none"),
        (lambda: signed(b"[1]"), "the token's claims are no object"),
        (lambda: signed(b"{"), "the token's claims are no object"),
        (lambda: signed(b"[" * 50_000), "the token's claims are no object"),
        (lambda: signed(b'{"exp": NaN}'), "the token's claims are no object"),
        (lambda: signed(b'{"exp": 1' + b"0" * 5_000 + b"}"), "the token's claims are no object"),
    ],
)  # fmt: skip
def test_tokens_that_are_refused(make: Callable[[], str], check: str) -> None:
    assert refused(make(), public(RSA, OTHER, EC) if "which key" in check else None) == check


@pytest.mark.parametrize("critical", [["exp"], ["b64"], ["unheard-of"]])
def test_what_a_token_calls_critical_and_nobody_knows_is_refused(critical: list[str]) -> None:
    head = {"alg": "RS256", "kid": "rsa", "crit": critical, **dict.fromkeys(critical, 1)}
    assert refused(unsigned(head, b"x" * 256)) in (WRONG, "the token cannot be read")


def test_a_key_that_is_not_there_is_told_apart() -> None:
    with pytest.raises(tokens.UnknownKey):
        verified(signed(claims(), kid="new"))
    # The name of a key of another kind is no name of one.
    with pytest.raises(tokens.UnknownKey):
        verified(signed(claims(), kid="ec"))


def test_an_issuer_with_one_key_need_not_name_it() -> None:
    assert verified(signed(claims(), kid=None), public(RSA, EC))["sub"] == SUBJECT


def test_keys_that_are_unfit_are_left_out() -> None:
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
    other_use = {**EC.as_dict(private=False), "use": "enc"}
    document = {
        "keys": [
            weak.as_dict(private=False), other_use, ED.as_dict(private=True),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {"kty": "RSA"}, {"kty": "AKP"}, 7, None,
            {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
            {"kty": "RSA", "n": "", "e": ""}, *public(RSA)["keys"],
        ]
    }  # fmt: skip
    assert [key.get("kid") for key in tokens.read_keys(document)] == ["rsa"]
    assert tokens.read_keys({"keys": public(RSA)["keys"] * 1_000}) != []
    for wrong in ({}, {"keys": None}, {"keys": {"a": 1}}):
        with pytest.raises(SignInRefused):
            tokens.read_keys(wrong)


def test_a_key_is_for_the_algorithm_that_it_names() -> None:
    only = RSAKey.import_key({**RSA.as_dict(private=True), "alg": "RS256"})
    assert verified(signed(claims(), only), public(only))["sub"] == SUBJECT
    with pytest.raises(tokens.UnknownKey):
        verified(signed(claims(), RSA, "PS256"), public(only))
    curve = ECKey.generate_key("P-384", {"kid": "ec"})
    token = signed(claims(), curve, "ES384")
    assert verified(token, public(curve))["sub"] == SUBJECT
    assert refused(token, public(EC)) == WRONG
