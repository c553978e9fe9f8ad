"""Requests for more credits: who asks, who decides, and who hears of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.billing import credit_requests
from app.domain.caller import Role
from app.errors import InvalidRequest, RequestConflict
from app.members import keys, members
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import one
from tests.live.streams import serving

PRICE = 150_000
ASK = {"credits": PRICE, "reason": "the launch"}
OWN = "/api/v1/credit-requests"
ADMIN = "/api/v1/admin/credit-requests"


async def two(gate: Gateway) -> tuple[Desk, Desk]:
    """Ada, who has credits for one video in a month, and the team's administrator."""
    ada = await gate.member("ada", credit_limit=PRICE, credit_period="month")
    lead = await gate.member("lead", role=Role.ADMIN)
    return Desk(gate, ada), Desk(gate, lead)


def made(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def left(desk: Desk) -> int:
    return int(made(await desk("GET", "/api/v1/me"))["credits"]["remaining_credits"])


async def test_a_member_asks_and_its_administrator_grants(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    request = made(await ada("POST", OWN, ASK), 201)
    assert (request["state"], request["account"], request["member"]) == ("open", "member", "ada")
    assert made(await ada("GET", OWN))["data"] == [request]
    assert made(await ada("GET", f"{OWN}/{request['id']}")) == request
    assert made(await lead("GET", f"{ADMIN}?state=open"))["data"] == [request]
    assert made(await lead("GET", f"{ADMIN}/{request['id']}")) == request
    assert await left(ada) == PRICE
    decided = made(await lead("POST", f"{ADMIN}/{request['id']}/grant", {"reason": "fine"}))
    assert decided == made(await ada("GET", f"{OWN}/{request['id']}"))
    assert (decided["state"], decided["decision"], decided["decided_by"]) == (
        "granted", "fine", f"{TEAM}/lead",
    )  # fmt: skip
    assert decided["granted_credits"] == PRICE
    assert decided["granted_until"] is not None
    assert await left(ada) == 2 * PRICE
    # Another one can be made now.
    assert made(await ada("POST", OWN, ASK), 201)["state"] == "open"
    root = await operator(still_gate)
    lines = made(await root("GET", "/api/v1/admin/audit?action=credit_request"))["data"]
    assert [(line["action"], line["actor"], line["detail"]["reason"]) for line in lines] == [
        ("credit_request.open", f"{TEAM}/ada", "the launch"),
        ("credit_request.grant", f"{TEAM}/lead", "fine"),
        ("credit_request.open", f"{TEAM}/ada", "the launch"),
    ]  # fmt: skip


async def test_another_amount_and_end_may_be_granted(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    soon = (datetime.now(UTC) + timedelta(seconds=1_000)).replace(microsecond=0)
    for body, expected in (
        ({"credits": 5}, (5, soon)),
        ({"credits": 5, "ends_at": (soon + timedelta(seconds=9)).isoformat()},
         (5, soon + timedelta(seconds=9))),
        ({"ends_at": None}, (PRICE, None)),
    ):  # fmt: skip
        request = made(await ada("POST", OWN, {**ASK, "ends_at": soon.isoformat()}), 201)
        decided = made(
            await lead("POST", f"{ADMIN}/{request['id']}/grant", {"reason": "so", **body})
        )
        end = datetime.fromisoformat(decided["granted_until"])
        assert decided["granted_credits"] == expected[0]
        # Null is the end of the period, which is a month.
        assert end == expected[1] if expected[1] else end.day == 1
        assert datetime.fromisoformat(decided["ends_at"]) == soon


async def test_for_a_key(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    key = await keys.create_key(still_gate.rt, TEAM, "ada", name="ci", credit_limit=7, actor=TESTER)
    request = made(await ada("POST", OWN, {**ASK, "key_id": str(key.key.id)}), 201)
    assert (request["account"], request["key_id"], request["key_prefix"]) == (
        "key", str(key.key.id), key.key.prefix,
    )  # fmt: skip
    made(await lead("POST", f"{ADMIN}/{request['id']}/grant", {"reason": "fine", "credits": 9}))
    shown = made(await lead("GET", f"/api/v1/admin/keys/{key.key.id}"))
    assert shown["granted_credits"] == 9
    # Keys without a limit, of others, and of nobody.
    (unlimited,) = [
        each["id"] for each in made(await ada("GET", "/api/v1/keys"))["data"]
        if each["id"] != str(key.key.id)
    ]  # fmt: skip
    others = made(await lead("GET", "/api/v1/keys"))["data"][0]["id"]
    for wrong, status in ((unlimited, 422), (others, 404), (str(uuid4()), 404)):
        answer = await ada("POST", OWN, {**ASK, "key_id": wrong})
        assert answer.status_code == status, answer.text


async def test_who_decides_and_who_does_not(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    other = Desk(still_gate, await still_gate.member("other", role=Role.ADMIN))
    root = await operator(still_gate)
    stranger = Desk(still_gate, await still_gate.member("eve", team="others", role=Role.ADMIN))
    of_ada = made(await ada("POST", OWN, ASK), 201)["id"]
    of_lead = made(await lead("POST", OWN, ASK), 201)["id"]
    of_root = made(await root("POST", OWN, ASK), 201)["id"]
    for deed in ("grant", "refuse"):
        for desk, request, status in (
            (ada, of_ada, 403), (lead, of_lead, 403), (other, of_lead, 403), (root, of_root, 403),
            (stranger, of_ada, 404), (lead, of_root, 404), (lead, str(uuid4()), 404),
        ):  # fmt: skip
            answer = await desk("POST", f"{ADMIN}/{request}/{deed}", {"reason": "mine"})
            assert answer.status_code == status, (deed, request, answer.text)
    assert (await stranger("GET", f"{ADMIN}/{of_ada}")).status_code == 404
    assert made(await stranger("GET", ADMIN))["data"] == []
    assert [each["id"] for each in made(await lead("GET", ADMIN))["data"]] == [of_lead, of_ada]
    assert len(made(await root("GET", ADMIN))["data"]) == 3
    for desk, request in ((lead, of_ada), (ada, of_lead)):
        assert (await desk("GET", f"{OWN}/{request}")).status_code == 404
        assert (await desk("POST", f"{OWN}/{request}/withdraw")).status_code == 404
    assert made(await root("POST", f"{ADMIN}/{of_lead}/grant", {"reason": "so"}))["state"] == (
        "granted"
    )
    # The command line decides everything.
    done = await credit_requests.refuse(still_gate.rt, UUID(of_root), actor=TESTER)
    assert done.state == "refused"


async def test_one_is_refused_or_withdrawn_once(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    first = made(await ada("POST", OWN, ASK), 201)["id"]
    again = made(await ada("POST", OWN, ASK), 409)
    assert (again["code"], again["retry_safe"]) == ("request_conflict", True)
    refused = made(await lead("POST", f"{ADMIN}/{first}/refuse", {"reason": "wait a week"}))
    assert (refused["state"], refused["decision"]) == ("refused", "wait a week")
    second = made(await ada("POST", OWN, ASK), 201)["id"]
    assert made(await ada("POST", f"{OWN}/{second}/withdraw"))["state"] == "withdrawn"
    for request in (first, second):
        for desk, path, body in (
            (lead, f"{ADMIN}/{request}/grant", {"reason": "late"}),
            (lead, f"{ADMIN}/{request}/refuse", {"reason": "late"}),
            (ada, f"{OWN}/{request}/withdraw", None),
        ):
            assert made(await desk("POST", path, body), 409)["code"] == "request_conflict"
    assert await left(ada) == PRICE
    listed = made(await ada("GET", f"{OWN}?limit=1"))
    rest = made(await ada("GET", f"{OWN}?cursor={listed['next_cursor']}"))
    assert [each["id"] for each in (*listed["data"], *rest["data"])] == [second, first]
    assert made(await ada("GET", f"{OWN}?state=refused"))["data"][0]["id"] == first


async def test_what_is_wrong_is_named(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    for wrong, field in (
        ({"credits": 0}, "credits"), ({"reason": ""}, "reason"), ({"key_id": "x"}, "key_id"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "ends_at"),
    ):  # fmt: skip
        answer = made(await ada("POST", OWN, {**ASK, **wrong}), 422)
        assert answer["errors"][0]["field"] == field
    assert made(await ada("GET", OWN))["data"] == []
    request = made(await ada("POST", OWN, ASK), 201)["id"]
    assert (await lead("POST", f"{ADMIN}/{request}/refuse", {})).status_code == 422
    for deed in (credit_requests.grant, credit_requests.refuse):
        with pytest.raises(InvalidRequest, match="reason: is required"):
            await deed(still_gate.rt, UUID(request), actor=TESTER.because(" "))
    # One that has ended is granted nothing, and can be refused.
    await members.end_member(still_gate.rt, TEAM, "ada", actor=TESTER)
    assert (await lead("POST", f"{ADMIN}/{request}/grant", {"reason": "late"})).status_code == 422
    assert made(await lead("POST", f"{ADMIN}/{request}/refuse", {"reason": "gone"}))


async def test_both_are_told(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)
    bob = await still_gate.member("bob")
    own_key, lead_key = [
        (await keys.create_key(still_gate.rt, TEAM, who, name="x", actor=TESTER)).secret
        for who in ("ada", "lead")
    ]
    async with (
        serving(still_gate.rt) as client,
        client.stream("/api/v1/events", own_key) as of_ada,
        client.stream("/api/v1/events?team=true", lead_key) as of_team,
        client.stream("/api/v1/events", bob) as of_bob,
    ):
        for stream in (of_ada, of_team, of_bob):
            await stream.next()
        states = []
        for deed in ("grant", "refuse", "withdraw"):
            request = made(await ada("POST", OWN, ASK), 201)["id"]
            if deed == "withdraw":
                made(await ada("POST", f"{OWN}/{request}/withdraw"))
            else:
                made(await lead("POST", f"{ADMIN}/{request}/{deed}", {"reason": "so"}))
            states.append(request)
        for stream in (of_ada, of_team):
            sent = await stream.events(6)
            assert [each.event for each in sent] == [
                "credit_request.opened", "credit_request.granted",
                "credit_request.opened", "credit_request.refused",
                "credit_request.opened", "credit_request.withdrawn",
            ]  # fmt: skip
            first, granted = (each.data["credit_request"] for each in sent[:2])
            assert first["id"] == granted["id"] == states[0]
            assert (first["state"], granted["state"]) == ("open", "granted")
            assert granted == made(await ada("GET", f"{OWN}/{states[0]}"))
            assert {"notice", "generation"}.isdisjoint(sent[0].data)
        assert (await still_gate.create(bob)).status_code == 202
        (heard,) = await of_bob.events(1)
        assert heard.event == "generation.queued"


async def test_many_at_once_make_one(still_gate: Gateway) -> None:
    ada, _ = await two(still_gate)
    answers = await asyncio.gather(*(ada("POST", OWN, ASK) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert len(made(await ada("GET", OWN))["data"]) == 1


@pytest.mark.parametrize("deeds", ["grant", "grant refuse withdraw"])
async def test_of_many_decisions_at_once_one_counts(still_gate: Gateway, deeds: str) -> None:
    ada, lead = await two(still_gate)
    request = made(await ada("POST", OWN, ASK), 201)["id"]

    async def decide(deed: str) -> int:
        if deed == "withdraw":
            return (await ada("POST", f"{OWN}/{request}/withdraw")).status_code
        return (await lead("POST", f"{ADMIN}/{request}/{deed}", {"reason": "so"})).status_code

    answers = await asyncio.gather(*(decide(deed) for deed in deeds.split() * 4))
    assert Counter(answers) == {200: 1, 409: len(answers) - 1}
    counted = await one(
        still_gate,
        "SELECT (SELECT count(*) FROM grants) AS grants,"
        " (SELECT state FROM credit_requests) AS state,"
        " (SELECT count(*) FROM events WHERE type <> 'credit_request.opened') AS events",
    )
    assert counted["events"] == 1
    assert counted["grants"] == (counted["state"] == "granted")


async def test_asking_and_deciding_at_once_never_wait_for_each_other(still_gate: Gateway) -> None:
    ada, lead = await two(still_gate)

    async def ask() -> None:
        answer = await ada("POST", OWN, ASK)
        assert answer.status_code in (201, 409), answer.text

    async def decide() -> None:
        for each in made(await lead("GET", f"{ADMIN}?state=open"))["data"]:
            with contextlib.suppress(RequestConflict):
                await credit_requests.grant(still_gate.rt, UUID(each["id"]), actor=TESTER)

    for _ in range(5):
        await asyncio.gather(*(ask() for _ in range(4)), *(decide() for _ in range(4)))
