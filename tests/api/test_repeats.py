"""A request of those who manage, repeated with its Idempotency-Key: nothing is made twice."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app.domain.caller import Role
from app.worker import upkeep
from tests.api.desk import Desk, operator
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import execute, one

ADMIN = "/api/v1/admin"


async def ids_of(gate: Gateway) -> dict[str, Any]:
    await gate.member("ada", credit_limit=9)
    await execute(gate, "UPDATE teams SET credit_limit = 9")
    await execute(gate, "UPDATE api_keys SET credit_limit = 9")
    return await one(
        gate,
        "SELECT m.team_id AS team, m.id AS member, k.id AS key FROM members m"
        " JOIN api_keys k ON k.member_id = m.id WHERE m.name = 'ada'",
    )


async def repeated(desk: Desk, path: str, body: Any, *, key: str = "once") -> httpx.Response:
    return await desk("POST", path, body, {"Idempotency-Key": key})


async def rows(gate: Gateway) -> dict[str, Any]:
    """How many there are of each thing that is made."""
    return await one(
        gate,
        "SELECT (SELECT count(*) FROM teams) AS teams, (SELECT count(*) FROM members) AS members,"
        " (SELECT count(*) FROM api_keys) AS keys, (SELECT count(*) FROM grants) AS grants,"
        " (SELECT count(*) FROM prices) AS prices,"
        " (SELECT count(*) FROM audit_log) AS lines",
    )


GRANT = {"credits": 5, "reason": "a launch"}
MADE: dict[str, dict[str, Any]] = {
    f"{ADMIN}/teams": {"name": "new", "credit_limit": 5},
    f"{ADMIN}/teams/{{team}}/members": {"name": "bob"},
    f"{ADMIN}/teams/{{team}}/grants": GRANT,
    f"{ADMIN}/teams/{{team}}/members/{{member}}/grants": GRANT,
    f"{ADMIN}/keys/{{key}}/grants": GRANT,
    f"{ADMIN}/prices": {"match": {"model": "ray-v3"}, "credits": 5, "reason": "a list"},
}


@pytest.mark.parametrize("path", MADE)
async def test_the_same_again_is_the_same_answer(still_gate: Gateway, path: str) -> None:
    ids, root = await ids_of(still_gate), await operator(still_gate)
    where, body = path.format(**ids), MADE[path]
    first = await repeated(root, where, body)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False), first.text
    before = await rows(still_gate)
    # The order of the fields is none of it.
    again = await repeated(root, where, dict(reversed(body.items())))
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true"), again.text
    assert again.json() == first.json()
    assert await rows(still_gate) == before
    other = await repeated(root, where, {**body, "reason": "another"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await rows(still_gate) == before


async def test_at_the_same_time_they_make_one(still_gate: Gateway) -> None:
    ids, root = await ids_of(still_gate), await operator(still_gate)
    path = f"{ADMIN}/teams/{ids['team']}/members/{ids['member']}/grants"
    answers = await asyncio.gather(*(repeated(root, path, GRANT) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted("Idempotent-Replayed" in answer.headers for answer in answers) == [
        False, *[True] * 7,
    ]  # fmt: skip
    assert (await rows(still_gate))["grants"] == 1


@pytest.mark.parametrize(
    "path",
    [f"{ADMIN}/teams/{{team}}/members/{{member}}/keys", f"{ADMIN}/keys/{{key}}/rotate"],
)
async def test_a_secret_is_shown_once_and_its_key_is_named(still_gate: Gateway, path: str) -> None:
    ids, root = await ids_of(still_gate), await operator(still_gate)
    where = path.format(**ids)
    first = await repeated(root, where, {"reason": "new machine"})
    assert first.is_success, first.text
    before = await rows(still_gate)
    # Also when the one that was rotated has ended.
    await execute(
        still_gate, "UPDATE api_keys SET revoked_at = now() WHERE id = :id", id=ids["key"]
    )
    again = await repeated(root, where, {"reason": "new machine"})
    assert (again.status_code, again.json()["code"]) == (409, "key_already_made")
    assert again.json()["key_id"] == first.json()["id"]
    assert first.json()["secret"] not in again.text
    assert await rows(still_gate) == before
    kept = await one(
        still_gate, "SELECT count(*) AS n FROM management_idempotency_keys k"
        " WHERE to_jsonb(k)::text LIKE '%' || :secret || '%'", secret=first.json()["secret"],
    )  # fmt: skip
    assert kept == {"n": 0}


async def test_own_keys_are_made_and_rotated_once(still_gate: Gateway) -> None:
    ada = Desk(still_gate, await still_gate.member("ada"))
    made = await repeated(ada, "/api/v1/keys", {"name": "ci"}, key="a")
    again = await repeated(ada, "/api/v1/keys", {"name": "ci"}, key="a")
    assert (made.status_code, again.status_code) == (201, 409)
    path = f"/api/v1/keys/{made.json()['id']}/rotate"
    assert (await repeated(ada, path, None, key="b")).status_code == 200
    again = await repeated(ada, path, None, key="b")
    assert (again.status_code, again.json()["code"]) == (409, "key_already_made")
    assert (await rows(still_gate))["keys"] == 3


async def test_a_key_counts_for_one_path_and_one_member(still_gate: Gateway) -> None:
    ids, root = await ids_of(still_gate), await operator(still_gate)
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    path = f"{ADMIN}/teams/{ids['team']}/members"
    assert (await repeated(root, path, {"name": "bob"})).status_code == 201
    assert (await repeated(root, f"{ADMIN}/teams", {"name": "bob"})).status_code == 422
    # Of another member it is another key, so this one is refused for the name.
    taken = await repeated(lead, path, {"name": "bob"})
    assert (taken.status_code, taken.json()["code"]) == (422, "invalid_request")
    # And one that was refused made nothing: the key is free.
    assert (await repeated(lead, path, {"name": "eve"})).status_code == 201


async def test_a_key_is_forgotten_after_two_days(still_gate: Gateway) -> None:
    ids, root = await ids_of(still_gate), await operator(still_gate)
    path = f"{ADMIN}/teams/{ids['team']}/members"
    assert (await repeated(root, path, {"name": "bob"})).status_code == 201
    expired = "UPDATE management_idempotency_keys SET expires_at = now() - interval '1 second'"
    await execute(still_gate, expired)
    assert (await repeated(root, path, {"name": "eve"})).status_code == 201
    await execute(still_gate, expired)
    await upkeep.one_round(still_gate.worker)
    kept = await one(still_gate, "SELECT count(*) AS n FROM management_idempotency_keys")
    assert kept == {"n": 0}


@pytest.mark.parametrize("key", ["", "x" * 256, "\t"])
async def test_what_is_no_key_is_refused(still_gate: Gateway, key: str) -> None:
    root = await operator(still_gate)
    refused = await repeated(root, f"{ADMIN}/teams", {"name": "new"}, key=key)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_all_keys_of_a_team_are_one_list(still_gate: Gateway) -> None:
    for name in ("ada", "bob"):
        await still_gate.member(name)
    await still_gate.member("eve", team="rivals")
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    team = (await one(still_gate, "SELECT id FROM teams WHERE name = :n", n=TEAM))["id"]
    await execute(
        still_gate,
        "UPDATE api_keys k SET revoked_at = now() FROM members m"
        " WHERE m.id = k.member_id AND m.name = 'ada'",
    )
    await execute(
        still_gate,
        "UPDATE api_keys k SET expires_at = now(), revoked_at = now() + interval '1 hour'"
        " FROM members m WHERE m.id = k.member_id AND m.name = 'bob'",
    )
    path = f"{ADMIN}/teams/{team}/keys"
    listed = (await lead("GET", path)).json()["data"]
    assert [(each["member"], each["state"]) for each in listed] == [
        ("ada", "revoked"), ("bob", "expired"), ("lead", "active"),
    ]  # fmt: skip
    page = (await lead("GET", f"{path}?limit=2")).json()
    rest = (await lead("GET", f"{path}?cursor={page['next_cursor']}")).json()
    assert page["data"] + rest["data"] == listed
    assert "secret" not in listed[0]
