"""An issuer, or somebody in its place, that answers what it should not: nobody is signed in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import text

from app.members import teams
from app.oidc import provider as providers
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.oidc.people import GATEWAY, query_of
from tests.oidc.real import issuer_table, issuers_file
from tests.oidc.scripted import CLIENT, RSA, SUBJECT, Scripted, scripted, signed
from tests.oidc.test_tokens import by_secret, unsigned
from tests.upstream.loopback import http
from tests.web.browser import browser

OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})
CANARY = "canary-of-the-issuer"


@pytest.fixture
async def issuer() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


@pytest.fixture
async def site(database_url: str, tmp_path: Path, issuer: Scripted) -> AsyncIterator[Gateway]:
    file = issuers_file(tmp_path / "settings", issuer_table(issuer.url, f'default_team = "{TEAM}"'))
    async with gateway(database_url, tmp_path, worker=False, oidc_file=file) as running:
        await teams.create_team(running.rt, TEAM, credit_limit=9, actor=TESTER)
        yield running


@pytest.fixture
async def client(site: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(site, GATEWAY) as opened:
        yield opened


async def begin(client: httpx.AsyncClient, issuer: Scripted) -> dict[str, str]:
    """What the issuer was asked. Its next token answers that."""
    asked = query_of((await client.get("/app/oidc/real/begin")).headers["location"])
    at = int(time.time())
    claims = {
        "iss": issuer.url, "aud": CLIENT, "sub": SUBJECT, "nonce": asked["nonce"], "iat": at,
        "exp": at + 300, "preferred_username": CANARY, **issuer.claims,
    }  # fmt: skip
    tokens = {"id_token": issuer.sign(claims), "access_token": CANARY, "token_type": "Bearer"}
    issuer.answers.setdefault("/token", tokens)
    return asked


async def answer(client: httpx.AsyncClient, asked: dict[str, str]) -> httpx.Response:
    return await client.get(
        "/app/oidc/real/callback", params={"code": CANARY, "state": asked["state"]}
    )


async def sessions(site: Gateway) -> int:
    async with site.rt.db.single() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM sessions")) or 0)


async def test_the_scripted_issuer_signs_in_where_nothing_is_wrong(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted
) -> None:
    assert (await answer(client, await begin(client, issuer))).status_code == 303
    assert await sessions(site) == 1


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example.com"}, {"aud": "another"}, {"aud": [CLIENT, "another"]},
     {"nonce": "another"}, {"exp": NOW - 60}, {"iat": NOW + 3_600}, {"sub": "another"}],
)  # fmt: skip
async def test_claims_of_something_else(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted, claims: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    issuer.claims = claims
    refused = await answer(client, await begin(client, issuer))
    assert (refused.status_code, "cannot be trusted" in refused.text) == (502, True)
    assert (await client.get("/api/v1/me")).status_code == 401
    assert await sessions(site) == 0
    assert CANARY not in refused.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "sign",
    [
        lambda _: unsigned({"alg": "none"}),
        lambda _: by_secret(RSA.as_pem(private=False)),
        lambda claims: signed(claims, OTHER),
        lambda claims: signed(claims, kid="unheard-of"),
        lambda claims: signed(claims)[:-8] + "A" * 8,
        lambda _: CANARY,
    ],
)
async def test_signatures_of_somebody_else(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted,
    sign: Callable[[dict[str, Any]], str],
) -> None:  # fmt: skip
    issuer.sign = sign
    assert (await answer(client, await begin(client, issuer))).status_code == 502
    assert await sessions(site) == 0


async def test_a_code_that_the_issuer_takes_twice(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted
) -> None:
    asked = await begin(client, issuer)
    cookie = client.cookies["reelgate-oidc"]
    assert (await answer(client, asked)).status_code == 303
    client.cookies.set("reelgate-oidc", cookie)
    again = await answer(client, asked)
    assert (again.status_code, "was used before" in again.text) == (400, True)
    assert await sessions(site) == 1


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("/token", http(200, b"x" * 300_000), 502),
        ("/token", http(200, b'{"a":' * 50_000), 502),
        ("/token", http(500, CANARY.encode()), 503),
        ("/token", http(400, b'{"error": "canary", "error_description": "canary"}'), 502),
        ("/me", http(200, b"x" * 300_000), 502),
        ("/me", {"sub": SUBJECT, "groups": ["a"] * 20_000}, 303),
        ("/jwks", http(200, b"[" * 200_000), 502),
        ("/jwks", http(302, b"", "Location: http://127.0.0.1/"), 502),
    ],
)
async def test_huge_and_hostile_answers(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted, path: str, said: Any, status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    issuer.answers[path] = said
    refused = await answer(client, await begin(client, issuer))
    assert refused.status_code == status
    assert "canary" not in refused.text + "".join(capsys.readouterr()).replace(f"{TEAM}/", "")


async def test_markup_in_names_is_no_markup(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted
) -> None:
    issuer.claims = {"preferred_username": "<script>alert(1)</script>"}
    assert (await answer(client, await begin(client, issuer))).status_code == 303
    assert (await client.get("/api/v1/me")).json()["name"] == "<script>alert(1)</script>"


async def test_no_connection_of_the_database_is_held_while_the_issuer_is_asked(
    site: Gateway, client: httpx.AsyncClient, issuer: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it in a transaction, it could not be ended here."""
    open_now: list[int] = []

    async def counted() -> int:
        async with site.rt.db.single() as tx:
            return int(
                await tx.scalar(
                    text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in trans%'")
                )
                or 0
            )

    fetch = providers.Provider._fetch

    async def watching(self: Any, *args: Any, **named: Any) -> Any:
        open_now.append(await counted())
        return await fetch(self, *args, **named)

    monkeypatch.setattr(providers.Provider, "_fetch", watching)
    assert (await answer(client, await begin(client, issuer))).status_code == 303
    assert open_now == [0, 0, 0, 0]
