"""P3: a cap is a cap, across processes."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import httpx
import pytest

from app.domain.caller import Role
from app.domain.limits import Limits
from tests.harness import database
from tests.harness.gateway import body
from tests.harness.processes import Api
from tests.promises.site import PRICE, Site, site

#: More for each process than it has connections to Postgres, but so few that even on a slow machine
#: none waits too long for one.
CREATES = 90
CAP = 17
HIGH_LIMITS = Limits(credit_limit=10**9, rate_per_minute=60_000, rate_burst=60_000, max_open=10_000)


@pytest.fixture(scope="module")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site without upstream and workers, so that admitted generations stay queued."""
    folder = tmp_path_factory.mktemp("site")
    with postgres.fresh() as address, site(address, folder, upstream=False) as running:
        yield running


@pytest.fixture(scope="module")
def apis(place: Site) -> list[Api]:
    started = [place.start_api() for _ in range(3)]
    for api in started:
        api.logged("api_started")
    return started


def burst(
    apis: Sequence[Api], keys: Sequence[str], creates: int = CREATES, **headers: str
) -> list[httpx.Response]:
    """Concurrent creates, distributed over the processes and the keys."""

    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=creates)
        async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as http:
            posts = [
                http.post(
                    f"{api.address}/api/features",
                    json=body("a lion"),
                    headers={"API-KEY": key, "Prefer": "respond-async", **headers},
                )
                for api, key, _ in zip(
                    itertools.cycle(apis), itertools.cycle(keys), range(creates), strict=False
                )
            ]
            return await asyncio.gather(*posts)

    return asyncio.run(all_at_once())


def statuses(answers: Sequence[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_three_processes_admit_exactly_the_open_cap(place: Site, apis: list[Api]) -> None:
    caller = place.caller(apis[0], "open", limits=replace(HIGH_LIMITS, max_open=CAP))
    answers = burst(apis, [caller.key])
    assert statuses(answers) == {202: CAP, 429: CREATES - CAP}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["context"] == {"limit": "max_open", "limit_value": 17, "used_value": 17}
    assert refused.headers["Retry-After"]
    assert (caller.me()["open"], caller.me()["credits"]["binding"]["used_credits"]) == (
        CAP,
        CAP * PRICE,
    )


def test_three_processes_admit_exactly_what_a_members_credits_cover(
    place: Site, apis: list[Api]
) -> None:
    covered = replace(HIGH_LIMITS, credit_limit=CAP * PRICE + 149_999)
    caller = place.caller(apis[0], "credits", limits=covered)
    answers = burst(apis, [caller.key])
    assert statuses(answers) == {202: CAP, 402: CREATES - CAP}
    assert caller.me()["credits"]["binding"]["used_credits"] == CAP * PRICE


def test_three_processes_admit_exactly_what_a_limit_and_a_grant_cover(
    place: Site, apis: list[Api]
) -> None:
    """One more than the limit alone."""
    covered = replace(HIGH_LIMITS, credit_limit=(CAP - 1) * PRICE)
    caller = place.caller(apis[0], "granted", limits=covered)
    operator = place.caller(apis[0], "root", team="default", role=Role.ADMIN)
    me = caller.me()
    granted = apis[0].http.post(
        f"/api/v1/admin/teams/{me['team']['id']}/members/{me['member_id']}/grants",
        json={"credits": 2 * PRICE - 1, "reason": "one more"},
        headers={"API-KEY": operator.key},
    )
    assert granted.status_code == 201, granted.text
    answers = burst(apis, [caller.key])
    assert statuses(answers) == {202: CAP, 402: CREATES - CAP}
    bound = caller.me()["credits"]["binding"]
    assert (bound["used_credits"], bound["remaining_credits"]) == (CAP * PRICE, PRICE - 1)


def test_three_processes_admit_exactly_what_a_teams_credits_cover_among_its_members(
    place: Site, apis: list[Api]
) -> None:
    callers = [
        place.caller(
            apis[0], f"player {n}", team="band", team_credits=CAP * PRICE, limits=HIGH_LIMITS
        )
        for n in range(5)
    ]
    answers = burst(apis, [caller.key for caller in callers])
    assert statuses(answers) == {202: CAP, 402: CREATES - CAP}
    own = [caller.me()["credits"]["accounts"][1] for caller in callers]
    assert {account["account"] for account in own} == {"member"}
    assert sum(account["used_credits"] for account in own) == CAP * PRICE


def test_three_processes_admit_exactly_the_burst_of_the_rate_window(
    place: Site, apis: list[Api]
) -> None:
    slow = replace(HIGH_LIMITS, rate_per_minute=1, rate_burst=CAP)
    caller = place.caller(apis[0], "rate", limits=slow)
    answers = burst(apis, [caller.key])
    assert statuses(answers) == {202: CAP, 429: CREATES - CAP}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["context"]["limit"] == "rate_per_minute"
    assert refused.headers["RateLimit"].startswith('"member";r=0;')
    assert caller.me()["open"] == CAP


def test_one_idempotency_key_fifty_times_over_three_processes_makes_one_generation(
    place: Site, apis: list[Api]
) -> None:
    caller = place.caller(apis[0], "once", limits=HIGH_LIMITS)
    answers = burst(apis, [caller.key], 50, **{"Idempotency-Key": "the-same-video"})
    assert statuses(answers) == {202: 50}
    assert len({answer.json()["aiRecord"]["uuid"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert (caller.me()["open"], caller.me()["credits"]["binding"]["used_credits"]) == (1, PRICE)


def test_three_processes_charge_each_video_the_price_of_its_instant(
    place: Site, apis: list[Api]
) -> None:
    caller = place.caller(apis[0], "buyer", limits=HIGH_LIMITS)
    operator = place.caller(apis[0], "pricing", team="default", role=Role.ADMIN)

    created = asyncio.Semaphore(0)

    async def change(http: httpx.AsyncClient, api: Api, credits_: int | None) -> None:
        answer = await http.post(
            f"{api.address}/api/v1/admin/prices",
            json={"match": {"model": "ray-v3"}, "credits": credits_, "reason": "odd"},
            headers={"API-KEY": operator.key},
        )
        assert answer.status_code == 201, answer.text

    async def create(http: httpx.AsyncClient, api: Api) -> None:
        answer = await http.post(
            f"{api.address}/api/features", json=body("a lion"),
            headers={"API-KEY": caller.key, "Prefer": "respond-async"},
        )  # fmt: skip
        assert answer.status_code == 202, answer.text

    async def creates(http: httpx.AsyncClient, api: Api) -> None:
        for _ in range(CREATES // 9):
            await create(http, api)
            created.release()

    async def changes(http: httpx.AsyncClient) -> None:
        for credits_, api in zip(range(1, 13), itertools.cycle(apis), strict=False):
            for _ in range(CREATES // 15):
                await created.acquire()
            await change(http, api, credits_)

    async def all_at_once() -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
            await asyncio.gather(changes(http), *(creates(http, api) for api in apis * 3))
            await change(http, apis[0], None)

    asyncio.run(all_at_once())
    made = caller.get("/api/v1/generations?limit=100").json()["data"]
    assert len(made) == CREATES
    listed = (
        apis[0]
        .http.get("/api/v1/admin/prices?limit=100", headers={"API-KEY": operator.key})
        .json()["data"]
    )
    prices = [(datetime.fromisoformat(price["effective_at"]), price) for price in listed]
    for one in made:
        begun = [each for each in prices if each[0] <= datetime.fromisoformat(one["created_at"])]
        _, price = max(begun, key=lambda each: each[0], default=(None, None))
        expected = (PRICE, "default") if price is None else (price["credits"], price["id"])
        assert (one["quote_credits"], one["price"]) == expected
    assert len({one["price"] for one in made}) > 3, "prices changed while these were admitted"


def test_three_processes_tell_each_percent_once(place: Site, apis: list[Api]) -> None:
    """Of the accounts of a member and of its team, which reach them in the middle of it."""
    covered = replace(HIGH_LIMITS, credit_limit=CAP * PRICE)
    caller = place.caller(apis[0], "warned", team="warned", limits=covered)
    lead = place.caller(apis[0], "lead", team="warned", role=Role.ADMIN, limits=HIGH_LIMITS)
    operator = place.caller(apis[0], "warner", team="default", role=Role.ADMIN)
    changed = apis[0].http.patch(
        f"/api/v1/admin/teams/{caller.me()['team']['id']}",
        json={"credit_limit": 2 * CAP * PRICE}, headers={"API-KEY": operator.key},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    answers = burst(apis, [caller.key, lead.key], creates=2 * CREATES)
    assert statuses(answers) == {202: 2 * CAP, 402: 2 * CREATES - 2 * CAP}
    listed = apis[1].http.get(
        "/api/v1/notices?team=true&limit=100", headers={"API-KEY": lead.key}
    ).json()  # fmt: skip
    # The lead has so much that its own account reaches nothing; the member gets what it gets.
    used = next(a for a in caller.me()["credits"]["accounts"] if a["account"] == "member")
    refused_by = {a.json()["context"]["limit"] for a in answers if a.status_code == 402}
    reached = {
        percent
        for percent in (50, 80, 90, 100)
        if used["used_credits"] * 100 >= percent * used["credit_limit"]
        or (percent == 100 and "member_credit_limit" in refused_by)
    }
    assert Counter((each["account"], each["percent"]) for each in listed["data"]) == {
        **{("team", percent): 1 for percent in (50, 80, 90, 100)},
        **{("member", percent): 1 for percent in reached},
    }


def test_three_processes_take_one_request_and_one_decision(place: Site, apis: list[Api]) -> None:
    limits = replace(HIGH_LIMITS, credit_limit=PRICE)
    caller = place.caller(apis[0], "asking", limits=limits)
    operator = place.caller(apis[0], "granting", team="default", role=Role.ADMIN)

    async def post(number: int, path: str, key: str, document: object) -> int:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
            answer = await http.post(
                f"{apis[number % 3].address}/api/v1{path}", json=document, headers={"API-KEY": key}
            )
            return answer.status_code

    async def many(path: str, key: str, document: object) -> Counter[int]:
        return Counter(
            await asyncio.gather(*(post(number, path, key, document) for number in range(18)))
        )

    asked = {"credits": PRICE, "reason": "one more"}
    assert asyncio.run(many("/credit-requests", caller.key, asked)) == {201: 1, 409: 17}
    (request,) = apis[0].http.get(
        "/api/v1/credit-requests", headers={"API-KEY": caller.key}
    ).json()["data"]  # fmt: skip
    grant = f"/admin/credit-requests/{request['id']}/grant"
    assert asyncio.run(many(grant, operator.key, {"reason": "so"})) == {200: 1, 409: 17}
    assert caller.me()["credits"]["binding"]["granted_credits"] == PRICE
