"""People sign in at a real issuer and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.caller import Role, Status
from app.members import members, sign_in_requests, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.oidc.people import GATEWAY, Traveller, query_of, traveller
from tests.oidc.real import RealIssuer, issuer_table, issuers_file, real_issuer
from tests.web.browser import OWN

GROUPS = f"""
[[issuer.groups]]
group = "leads"
team = "{TEAM}"
role = "admin"
[[issuer.groups]]
group = "artists"
team = "{TEAM}"
[[issuer.groups]]
group = "operators"
team = "default"
role = "admin"
"""
ADA = {"preferred_username": "ada", "groups": ["artists"]}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealIssuer]:
    with real_issuer(tmp_path_factory.mktemp("issuer") / "node") as running:
        yield running


@pytest.fixture
def real(issuer: RealIssuer) -> RealIssuer:
    issuer.change(people={"ada": ADA}, method="client_secret_basic")
    return issuer


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def site(
    database_url: str, tmp_path: Path, real: RealIssuer, clock: HandClock
) -> AsyncIterator[Gateway]:
    # The other one is never asked for anything but its documents.
    file = issuers_file(
        tmp_path / "settings", issuer_table(real.url, GROUPS),
        issuer_table("http://127.0.0.1:9", id_="away"),
    )  # fmt: skip
    async with gateway(
        database_url, tmp_path, worker=False, oidc_file=file, clock=clock
    ) as running:
        await teams.create_team(running.rt, TEAM, credit_limit=9, actor=TESTER)
        yield running


@pytest.fixture
async def ada(site: Gateway, real: RealIssuer) -> AsyncIterator[Traveller]:
    async with traveller(site, real) as person:
        yield person


async def sessions(site: Gateway) -> list[dict[str, Any]]:
    async with site.rt.db.single() as tx:
        rows = await tx.execute(text("SELECT * FROM sessions ORDER BY created_at"))
        return [dict(row._mapping) for row in rows]


async def actions(site: Gateway) -> list[str]:
    async with site.rt.db.single() as tx:
        found = await tx.scalars(text("SELECT action FROM audit_log WHERE actor <> 'test'"
                                      " ORDER BY id"))  # fmt: skip
        return list(found)


def counted(site: Gateway, outcome: str) -> float:
    return float(
        site.rt.metrics.registry.get_sample_value(
            "reelgate_sign_ins_total", {"issuer": "real", "outcome": outcome}
        )
        or 0
    )


async def test_the_sign_in_page_knows_the_issuers(ada: Traveller) -> None:
    assert (await ada.here.get("/app/oidc")).json() == {
        "data": [{"id": "real", "name": "The company"}, {"id": "away", "name": "The company"}]
    }


async def test_a_person_signs_in_and_out(site: Gateway, ada: Traveller) -> None:
    begun = await ada.begin(next="/videos?tag=a%20b")
    asked = query_of(begun)
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == (
        "S256", f"{GATEWAY}/app/oidc/real/callback",
    )  # fmt: skip
    answer = await ada.through(begun, "ada")
    assert query_of(answer)["iss"].startswith("http://127.0.0.1")
    back = await ada.back(answer)
    assert (back.status_code, back.headers["location"]) == (
        303, f"{GATEWAY}/app/videos?tag=a%20b",
    )  # fmt: skip
    assert back.headers["referrer-policy"] == "no-referrer"
    cookies = back.headers.get_list("set-cookie")
    assert all("HttpOnly" in each and "SameSite=lax" in each for each in cookies)
    assert list(ada.here.cookies) == ["reelgate"]
    me = await ada.me()
    assert (me["name"], me["team"]["name"], me["role"]) == ("ada", TEAM, "MEMBER")
    (session,) = await sessions(site)
    assert session["method"] == "oidc"
    assert await actions(site) == ["member.create", "key.create", "session.begin"]
    assert counted(site, "signed_in") == 1
    assert (await ada.here.delete("/app/session", headers=OWN)).status_code == 204
    assert (await ada.here.get("/api/v1/me")).status_code == 401
    assert (await ada.sign_in()).status_code == 303
    assert len(await sessions(site)) == 2


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "RS256"])
async def test_keys_of_every_kind_and_rotated_ones(
    site: Gateway, ada: Traveller, real: RealIssuer, algorithm: str
) -> None:
    assert (await ada.sign_in()).status_code == 303
    real.change(algorithm=algorithm, rotated=True)
    provider = site.rt.providers["real"]
    # As if half a minute had passed.
    assert provider._keys is not None
    provider._keys = (provider._keys[0] - 30, provider._keys[1])
    assert (await ada.sign_in()).status_code == 303
    real.change(algorithm="RS256", rotated=True)


async def test_the_secret_in_the_body_of_the_request(ada: Traveller, real: RealIssuer) -> None:
    real.change(method="client_secret_post")
    assert (await ada.sign_in()).status_code == 303


async def test_groups_come_from_userinfo_and_change_the_role(
    site: Gateway, ada: Traveller, real: RealIssuer
) -> None:
    await ada.sign_in()
    real.change(people={"ada": {**ADA, "groups": ["leads"]}})
    await ada.sign_in()
    assert (await ada.me())["role"] == "ADMIN"
    real.change(people={"ada": ADA})
    await ada.sign_in()
    assert (await ada.me())["role"] == "MEMBER"
    member = await members.get_member(site.rt, TEAM, "ada", actor=TESTER)
    assert member.role is Role.MEMBER


async def test_an_answer_is_taken_once(site: Gateway, ada: Traveller) -> None:
    answer = await ada.through(await ada.begin(), "ada")
    cookie = ada.here.cookies["reelgate-oidc"]
    assert (await ada.back(answer)).status_code == 303
    # The cookie has served.
    again = await ada.back(answer)
    assert (again.status_code, "not begun in this browser" in again.text) == (400, True)
    # Also by a browser that kept it; the issuer does not take its code twice.
    ada.here.cookies.set("reelgate-oidc", cookie)
    assert (await ada.back(answer)).status_code == 502
    assert len(await sessions(site)) == 1


async def test_an_answer_belongs_to_the_browser_that_asked(
    site: Gateway, real: RealIssuer, ada: Traveller
) -> None:
    """Somebody gives their own answer to another person, who would work in their account."""
    async with traveller(site, real) as eve:
        answer = await eve.through(await eve.begin(), "ada")
        assert (await ada.back(answer)).status_code == 400
        await ada.begin()
        assert (await ada.back(answer)).status_code == 400
        assert await sessions(site) == []
        # A second attempt in one browser leaves one that counts.
        first = await eve.through(await eve.begin(), "ada")
        second = await eve.through(await eve.begin(), "ada")
        assert (await eve.back(second)).status_code == 303
        assert (await eve.back(first)).status_code == 400
    assert counted(site, "other_browser") == 3


async def test_a_sign_in_that_took_too_long(
    ada: Traveller, clock: HandClock, site: Gateway
) -> None:
    answer = await ada.through(await ada.begin(), "ada")
    clock.move(15 * 60)
    assert (await ada.back(answer)).status_code == 400
    assert await sessions(site) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"state": "x"}, 400), ({"state": None}, 400), ({"code": "x"}, 502), ({"code": None}, 502),
        ({"code": "x" * 9_000}, 502), ({"iss": "https://evil.example.com"}, 502),
        ({"iss": None}, 502), ({"error": "access_denied"}, 403),
    ],
)  # fmt: skip
async def test_a_changed_answer(
    site: Gateway, ada: Traveller, change: dict[str, str | None], status: int
) -> None:
    answer = await ada.through(await ada.begin(), "ada")
    query = {**query_of(answer), **change}
    given = {name: value for name, value in query.items() if value is not None}
    refused = await ada.here.get("/app/oidc/real/callback", params=given)
    assert refused.status_code == status
    assert "<h1>" in refused.text
    for value in query_of(answer).values():
        assert value not in refused.text
    assert "reelgate" not in ada.here.cookies
    assert await sessions(site) == []


async def test_who_is_not_let_in_by_the_issuer(ada: Traveller, site: Gateway) -> None:
    refused = await ada.sign_in("")
    assert (refused.status_code, "did not sign you in" in refused.text) == (403, True)
    assert counted(site, "declined") == 1


async def test_the_code_of_another_issuer_is_none(site: Gateway, ada: Traveller) -> None:
    answer = await ada.through(await ada.begin(), "ada")
    mixed = answer.replace("/real/", "/away/")
    assert (await ada.back(mixed)).status_code == 400
    assert (await ada.here.get("/app/oidc/nobody/callback")).status_code == 404
    away = await ada.here.get("/app/oidc/away/begin")
    assert (away.status_code, away.headers["retry-after"]) == (503, "60")


async def test_an_operator_lets_a_person_in(
    site: Gateway, ada: Traveller, real: RealIssuer
) -> None:
    real.change(people={"eve": {"name": "Eve", "email": "e@example.com", "email_verified": True}})
    refused = await ada.sign_in("eve")
    assert (refused.status_code, "has to let you in" in refused.text) == (403, True)
    assert not {"Eve", "e@example.com"} & set(refused.text.split())
    (request,) = await sign_in_requests.list_requests(site.rt, actor=TESTER, limit=None)
    assert (request.name, request.email, request.email_verified, request.subject) == (
        "Eve", "e@example.com", True, "eve",
    )  # fmt: skip
    await sign_in_requests.accept(site.rt, request.id, team=TEAM, actor=TESTER)
    assert (await ada.sign_in("eve")).status_code == 303
    assert (await ada.me())["name"] == "Eve"


async def test_who_is_suspended_stays_out_and_what_it_had_ends(
    site: Gateway, ada: Traveller, real: RealIssuer
) -> None:
    await ada.sign_in()
    await members.change_member(site.rt, TEAM, "ada", status=Status.SUSPENDED, actor=TESTER)
    assert (await ada.here.get("/api/v1/me")).status_code == 401
    refused = await ada.sign_in()
    assert (refused.status_code, "suspended" in refused.text) == (403, True)
    assert (await actions(site))[-1] == "session.refuse"
    await members.change_member(site.rt, TEAM, "ada", status=Status.ACTIVE, actor=TESTER)
    await ada.sign_in()
    # The last group goes, and with it the sessions.
    real.change(people={"ada": {**ADA, "groups": []}})
    async with traveller(site, real) as again:
        assert (await again.sign_in()).status_code == 403
    assert (await ada.here.get("/api/v1/me")).status_code == 401
    real.change(people={"ada": ADA})
    assert (await ada.sign_in()).status_code == 303
    await members.end_member(site.rt, TEAM, "ada", actor=TESTER)
    ended = await ada.sign_in()
    assert (ended.status_code, "has ended" in ended.text) == (403, True)


async def test_signing_in_afresh_asks_the_person_again(site: Gateway, ada: Traveller) -> None:
    await ada.sign_in()
    # The issuer knows the browser by now and asks nobody.
    url = await ada.begin(again="1")
    assert (query_of(url)["prompt"], query_of(url)["max_age"]) == ("login", "0")
    assert (await ada.back(await ada.through(url, "ada"))).status_code == 303
    first, second = await sessions(site)
    now = site.rt.clock.now()
    # The issuer does not say when the first sign-in was proved, so nobody takes it for recent.
    assert (now - first["recent_auth_at"]).days > 365
    assert abs((now - second["recent_auth_at"]).total_seconds()) < 600
    # An answer that was got without asking again does not count.
    url = await ada.begin(again="1")
    quiet = str(url).replace("&prompt=login&max_age=0", "")
    refused = await ada.back(await ada.through(quiet, "ada"))
    assert (refused.status_code, "did not ask you" in refused.text) == (403, True)


async def test_what_is_dangerous_needs_a_fresh_sign_in(
    site: Gateway, ada: Traveller, real: RealIssuer
) -> None:
    await site.member("root", team="default", role=Role.ADMIN)
    real.change(people={"ada": {**ADA, "groups": ["operators"]}})
    dangerous = "/api/v1/admin/upstream-keys/none/pause"
    await ada.sign_in()
    refused = await ada.here.post(dangerous, json={"reason": "odd"}, headers=OWN)
    assert (refused.status_code, refused.json()["sign_in_again"]) == (403, True)
    assert (await ada.sign_in(again="1")).status_code == 303
    found = await ada.here.post(dangerous, json={"reason": "odd"}, headers=OWN)
    assert found.status_code == 404


async def test_failures_are_bounded(ada: Traveller, site: Gateway) -> None:
    # Any page can make any browser do this.
    for _ in range(40):
        assert (await ada.here.get("/app/oidc/real/callback")).status_code == 400
    statuses = []
    for _ in range(32):
        given = {**query_of(await ada.begin()), "iss": site.rt.providers["real"].issuer.issuer}
        answer = await ada.here.get("/app/oidc/real/callback", params={**given, "code": "x"})
        statuses.append(answer.status_code)
    assert (statuses[0], statuses[-1]) == (502, 429)
    # Nobody is let in meanwhile either, from this address.
    assert (await ada.sign_in()).status_code == 429


@pytest.mark.parametrize(
    "page", ["//evil.example.com", "https://evil.example.com", "/..//evil", "/%2e%2e/media", "\\e",
             "/a\r\nSet-Cookie: x=y"],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere(ada: Traveller, page: str) -> None:
    assert (await ada.sign_in(next=page)).headers["location"] == f"{GATEWAY}/app/"


async def test_nothing_that_the_issuer_said_is_logged(
    site: Gateway, ada: Traveller, real: RealIssuer, capsys: pytest.CaptureFixture[str]
) -> None:
    real.change(people={"ada": {**ADA, "name": "canary-name", "groups": ["canary-group"]}})
    url = await ada.begin()
    answer = await ada.through(url, "ada")
    cookie = ada.here.cookies["reelgate-oidc"]
    refused = await ada.back(answer)
    assert refused.status_code == 403
    printed = "".join(capsys.readouterr())
    assert "sign_in_refused" in printed
    secrets = [*query_of(answer).values(), query_of(url)["nonce"], cookie]
    for secret in [*secrets, "canary", "a secret of a client"]:
        if secret != real.url:
            assert secret not in printed


async def test_two_answers_of_one_person_at_a_time(site: Gateway, real: RealIssuer) -> None:
    async with traveller(site, real) as one, traveller(site, real) as two:
        answers = [await each.through(await each.begin(), "ada") for each in (one, two)]
        found = await asyncio.gather(one.back(answers[0]), two.back(answers[1]))
        assert [each.status_code for each in found] == [303, 303]
        assert [(await each.me())["name"] for each in (one, two)] == ["ada", "ada"]
    assert (await actions(site)).count("member.create") == 1
