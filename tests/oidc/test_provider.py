"""What an issuer is asked, and what becomes of answers that are late, huge, wrong or missing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from app.domain.issuers import Refusal, SignInRefused
from app.oidc import provider as providers
from app.oidc.provider import Provider
from app.runtime import make_provider
from tests.oidc.scripted import (
    CALLBACK,
    CLIENT,
    SUBJECT,
    Elapsed,
    Scripted,
    begun_at,
    issuer_at,
    provider_at,
    public,
    scripted,
    signed,
)
from tests.upstream.loopback import http, refusing

NOW = datetime.now(UTC)
BEGUN = begun_at(NOW)


@pytest.fixture
async def issuer() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


async def claims(issuer: Scripted, asked: Provider | None = None) -> dict[str, Any]:
    """Of a sign-in."""
    tokens = {"access_token": "at", "token_type": "Bearer"}
    issuer.answers.setdefault(
        "/token", lambda: {"id_token": issuer.token(BEGUN, now=NOW), **tokens}
    )
    return await (asked or provider_at(issuer.url)).claims(
        "code+1", BEGUN, redirect_uri=CALLBACK, now=NOW
    )


async def refused(issuer: Scripted, asked: Provider | None = None) -> tuple[Refusal, str]:
    with pytest.raises(SignInRefused) as caught:
        await claims(issuer, asked)
    return caught.value.refusal, caught.value.check


async def test_the_browser_is_sent_with_what_binds_the_answer(issuer: Scripted) -> None:
    asked, begun = provider_at(issuer.url), begun_at(NOW)
    url = urlsplit(await asked.authorization_url(begun, redirect_uri=CALLBACK))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{issuer.url}/auth"
    assert {name: values[0] for name, values in parse_qs(url.query).items()} == {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": CALLBACK,
        "scope": "openid profile email", "state": begun.state, "nonce": begun.nonce,
        "code_challenge": begun.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    assert begun.verifier not in url.query
    issuer.announced["authorization_endpoint"] = f"{issuer.url}/auth?tenant=1"
    again = await provider_at(issuer.url).authorization_url(
        begun_at(NOW, afresh=True), redirect_uri=CALLBACK
    )
    assert "/auth?tenant=1&response_type=code&" in again
    assert again.endswith("&prompt=login&max_age=0")


async def test_a_code_becomes_claims(issuer: Scripted) -> None:
    issuer.claims = {"groups": ["a"], "name": "Ada"}
    issuer.userinfo = {"sub": SUBJECT, "name": "Other", "email": "ada@example.com", "iss": "x"}
    found = await claims(issuer)
    assert (found["name"], found["email"], found["groups"]) == ("Ada", "ada@example.com", ["a"])
    assert found["iss"] == issuer.url
    (request,) = issuer.asked("/token")
    assert issuer.form() == {
        "grant_type": "authorization_code", "code": "code+1", "redirect_uri": CALLBACK,
        "code_verifier": BEGUN.verifier,
    }  # fmt: skip
    basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
    assert basic == b"reelgate:a+%2Bsecret%25"
    assert issuer.asked("/me")[0].headers["authorization"] == "Bearer at"


async def test_the_secret_goes_where_the_issuer_wants_it(issuer: Scripted) -> None:
    issuer.announced["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await claims(issuer)
    assert (issuer.form()["client_id"], issuer.form()["client_secret"]) == (CLIENT, "a +secret%")
    assert "authorization" not in issuer.asked("/token")[0].headers


async def test_a_public_client_has_no_secret(issuer: Scripted) -> None:
    await claims(issuer, provider_at(issuer.url, client_secret=None))
    assert issuer.form()["client_id"] == CLIENT
    assert "client_secret" not in issuer.form()
    assert "authorization" not in issuer.asked("/token")[0].headers


async def test_documents_are_asked_for_once_an_hour(issuer: Scripted) -> None:
    elapsed = Elapsed()
    asked = provider_at(issuer.url, elapsed=elapsed)
    await asyncio.gather(*(claims(issuer, asked) for _ in range(5)))
    discovery = "/.well-known/openid-configuration"
    assert (len(issuer.asked(discovery)), len(issuer.asked("/jwks"))) == (1, 1)
    elapsed.at += 3_599
    await claims(issuer, asked)
    assert (len(issuer.asked(discovery)), len(issuer.asked("/jwks"))) == (1, 1)
    elapsed.at += 1
    await claims(issuer, asked)
    assert (len(issuer.asked(discovery)), len(issuer.asked("/jwks"))) == (2, 2)


async def test_rotated_keys_are_asked_for_but_not_at_will(issuer: Scripted) -> None:
    elapsed = Elapsed()
    asked = provider_at(issuer.url, elapsed=elapsed)
    await claims(issuer, asked)
    new = RSAKey.generate_key(2048, {"kid": "new"})
    issuer.sign = lambda claims: signed(claims, new)
    issuer.answers.clear()
    unknown = (Refusal.ISSUER_ANSWER, "the token is signed with an unknown key")
    # The keys were asked for just now.
    assert await refused(issuer, asked) == unknown
    assert len(issuer.asked("/jwks")) == 1
    elapsed.at += providers.ROTATION_SECONDS
    assert await refused(issuer, asked) == unknown
    assert len(issuer.asked("/jwks")) == 2
    issuer.keys = public(new)
    elapsed.at += providers.ROTATION_SECONDS
    assert (await claims(issuer, asked))["sub"] == SUBJECT
    # The key that is gone is good no more.
    issuer.sign = signed
    issuer.answers.clear()
    assert await refused(issuer, asked) == unknown


@pytest.mark.parametrize("given", [None, "https://other.example.com", "", "https://id.example.com"])
async def test_who_answers_is_checked(issuer: Scripted, given: str | None) -> None:
    plain = provider_at(issuer.url)
    await plain.check_answerer(issuer.url)
    if given is None:
        await plain.check_answerer(None)
        issuer.announced["authorization_response_iss_parameter_supported"] = True
    asked = provider_at(issuer.url)
    with pytest.raises(SignInRefused) as caught:
        await asked.check_answerer(given)
    assert caught.value.check == "the answer is another issuer's"
    await asked.check_answerer(issuer.url)


WRONG = Refusal.ISSUER_ANSWER
AWAY = Refusal.ISSUER_AWAY
DISCOVERY = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("path", "answer", "refusal"),
    [
        (DISCOVERY, {"issuer": "https://other.example.com"}, WRONG),
        (DISCOVERY, http(200, b"[]"), WRONG),
        (DISCOVERY, http(200, b"{" * 100_000), WRONG),
        (DISCOVERY, http(200, b"\xff"), WRONG),
        (DISCOVERY, http(302, b"", "Location: http://127.0.0.1/"), WRONG),
        (DISCOVERY, http(404, b"{}"), WRONG),
        (DISCOVERY, http(503, b"{}"), AWAY),
        (DISCOVERY, http(200, b" " * 262_145), WRONG),
        (DISCOVERY, http(200, b"{}", "Content-Encoding: gzip"), WRONG),
        (DISCOVERY, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", AWAY),
        (DISCOVERY, b"hello\r\n\r\n", AWAY),
        ("/jwks", {"keys": "none"}, WRONG),
        ("/jwks", {"keys": []}, WRONG),
        ("/jwks", http(500), AWAY),
        ("/token", http(500, b"{}"), AWAY),
        ("/token", http(400, b'{"error": "invalid_grant"}'), WRONG),
        ("/token", http(401, b'{"error": {"a": 1}}'), WRONG),
        ("/token", http(302, b"", "Location: https://evil.example.com/"), WRONG),
        ("/token", {"access_token": "a"}, WRONG),
        ("/token", {"id_token": ["a"]}, WRONG),
        ("/token", http(200, b'{"id_token": "' + b"a" * 262_144), WRONG),
        ("/me", http(200, b"a.b.c"), WRONG),
        ("/me", http(401, b""), WRONG),
        ("/me", http(502, b""), AWAY),
        ("/me", {"sub": "another"}, WRONG),
        ("/me", {"name": "nobody"}, WRONG),
    ],
)
async def test_wrong_answers(issuer: Scripted, path: str, answer: Any, refusal: Refusal) -> None:
    issuer.answers[path] = answer
    assert (await refused(issuer))[0] is refusal


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://id.example.com/", "https://id.example.com:22/", 7, "",
     "https://u:p@id.example.com/", "https://id.example.com/#x", "/token", "file:///etc/passwd"],
)  # fmt: skip
async def test_addresses_that_are_not_allowed(issuer: Scripted, name: str, address: Any) -> None:
    issuer.announced[name] = address
    assert (await refused(issuer))[0] is Refusal.ISSUER_ANSWER
    assert len(issuer.requests) == 1


async def test_a_public_name_does_not_lead_inside(issuer: Scripted) -> None:
    issuer.announced["jwks_uri"] = "https://localhost/jwks"
    check = (Refusal.ISSUER_ANSWER, "an address of the issuer is not allowed")
    assert await refused(issuer) == check
    # As the running gateway asks it: nothing is trusted that is not configured.
    asked = make_provider(issuer_at("https://127.0.0.1", internal_origins=frozenset()))
    assert await refused(issuer, asked) == check


async def test_an_access_token_that_is_no_header(issuer: Scripted) -> None:
    token = issuer.token(BEGUN, now=NOW)
    issuer.answers["/token"] = {"id_token": token, "access_token": "a\r\nX: y"}
    assert await refused(issuer) == (WRONG, "the access token cannot be sent")
    assert issuer.asked("/me") == []


async def test_an_issuer_that_is_away_keeps_nobody_waiting() -> None:
    elapsed = Elapsed()
    with refusing() as address:
        asked = provider_at(address, elapsed=elapsed)
        for _ in range(2):
            with pytest.raises(SignInRefused) as caught:
                await asked.authorization_url(begun_at(NOW), redirect_uri=CALLBACK)
            assert caught.value.refusal is Refusal.ISSUER_AWAY
    # Nobody asked it again, and nobody does for a while.
    async with scripted() as issuer:
        asked = provider_at(issuer.url, elapsed=elapsed)
        issuer.answers[DISCOVERY] = http(503)
        for _ in range(3):
            with pytest.raises(SignInRefused):
                await asked.authorization_url(begun_at(NOW), redirect_uri=CALLBACK)
        assert len(issuer.requests) == 1
        del issuer.answers[DISCOVERY]
        elapsed.at += providers.FAILURE_SECONDS
        await asked.authorization_url(begun_at(NOW), redirect_uri=CALLBACK)


async def test_an_issuer_that_never_ends_its_answer(
    issuer: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "SECONDS", 0.05)

    async def never() -> None:
        await asyncio.Event().wait()

    for path in (DISCOVERY, "/jwks", "/token", "/me"):
        issuer.answers = {path: never}
        assert await refused(issuer) == (Refusal.ISSUER_AWAY, "the issuer is too slow")
