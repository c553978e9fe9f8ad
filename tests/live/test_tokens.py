"""Tokens for browsers: short-lived, of one key, good for events alone."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from app.domain.caller import Role
from app.members import keys
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.live.streams import Listener, serving
from tests.live.test_streams import made


async def token_of(gate: Gateway, key: str, **query: str) -> str:
    answer = await gate.http.post("/api/v1/events/token", headers={"API-KEY": key}, params=query)
    assert answer.status_code == 201
    assert answer.json()["expires_in_seconds"] == 300
    return str(answer.json()["token"])


async def opened(client: Listener, token: str) -> int:
    async with client.stream(f"/api/v1/events?token={token}") as stream:
        return stream.response.status_code


async def test_it_shows_its_members_events_and_no_others(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    token = await token_of(still_gate, ada)
    hers, his = await made(still_gate, ada), await made(still_gate, bob)
    async with serving(still_gate.rt) as client:
        async with client.stream(f"/api/v1/generations/{hers}/events?token={token}") as stream:
            assert len(await stream.events(1)) == 1
        answer = await client.get(f"/api/v1/generations/{his}/events?token={token}")
        assert answer.status_code == 404


async def test_an_administrators_shows_no_more(still_gate: Gateway) -> None:
    """Its key does."""
    admin = await still_gate.member("root", role=Role.ADMIN)
    token = await token_of(still_gate, admin)
    own = await made(still_gate, admin)
    ada = await made(still_gate, await still_gate.member("ada"))
    async with serving(still_gate.rt) as client:
        refused = await client.get(f"/api/v1/events?team=true&token={token}")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        others = await client.get(f"/api/v1/generations/{ada}/events?token={token}")
        assert others.status_code == 404
        async with client.stream(f"/api/v1/generations/{own}/events?token={token}") as stream:
            assert len(await stream.events(1)) == 1
        async with client.stream(f"/api/v1/events?token={token}&last_event_id=0") as stream:
            (first,) = await stream.events(1)
            assert first.data["generation"]["id"] == own
        async with client.stream("/api/v1/events?team=true", admin) as stream:
            assert stream.response.status_code == 200
        async with client.stream(f"/api/v1/generations/{ada}/events", admin) as stream:
            assert len(await stream.events(1)) == 1


async def test_one_for_a_generation_opens_no_other_stream(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    hers, other, his = [await made(still_gate, key) for key in (ada, ada, bob)]
    token = await token_of(still_gate, ada, generation_id=f"video_{UUID(hers).hex}")
    async with serving(still_gate.rt) as client:
        for form in (hers, f"video_{UUID(hers).hex}"):
            async with client.stream(f"/api/v1/generations/{form}/events?token={token}") as stream:
                assert len(await stream.events(1)) == 1
        for path in ("events", f"generations/{other}/events", f"generations/{his}/events"):
            refused = await client.get(f"/api/v1/{path}?token={token}")
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
            assert hers in refused.json()["detail"]


async def test_nobody_makes_one_for_the_generation_of_another(still_gate: Gateway) -> None:
    """Not even an administrator, whose token shows only its own generations."""
    his = await made(still_gate, await still_gate.member("bob"))
    for key in (await still_gate.member("ada"), await still_gate.member("root", role=Role.ADMIN)):
        answer = await still_gate.http.post(
            "/api/v1/events/token", headers={"API-KEY": key}, params={"generation_id": his}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_it_is_good_for_five_minutes(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        token = await token_of(gate, await gate.member())
        async with serving(gate.rt) as client:
            clock.move(298)
            assert await opened(client, token) == 200
            clock.move(3)
            assert await opened(client, token) == 401


async def test_it_ends_with_its_key(still_gate: Gateway) -> None:
    key = await still_gate.member()
    token = await token_of(still_gate, key)
    async with serving(still_gate.rt) as client:
        assert await opened(client, token) == 200
        await keys.revoke_key(still_gate.rt, key[:11], actor=TESTER)
        assert await opened(client, token) == 401


@pytest.mark.parametrize(
    "spoil", ["", "x", "rg_events_", "rg_events_AAAA", "é", "%00", "A" * 5_000]
)
async def test_what_is_no_token_opens_nothing(still_gate: Gateway, spoil: str) -> None:
    answer = await still_gate.http.get("/api/v1/events", params={"token": spoil})
    assert answer.status_code == 401


async def test_a_changed_letter_spoils_it(still_gate: Gateway) -> None:
    token = await token_of(still_gate, await still_gate.member())
    for place in range(len("rg_events_"), len(token), 7):
        other = "A" if token[place] != "A" else "B"
        spoiled = token[:place] + other + token[place + 1 :]
        answer = await still_gate.http.get("/api/v1/events", params={"token": spoiled})
        assert answer.status_code == 401, TEAM
