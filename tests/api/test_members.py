"""Members over the API: what operators and administrators of a team change, and nobody does."""

from __future__ import annotations

from typing import Any

from app.domain.caller import Role
from app.domain.limits import Limits
from app.members import members
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway


async def lead_of(gate: Gateway, name: str = "lead") -> tuple[Desk, str]:
    """An administrator of the team, and the path of its members."""
    desk = Desk(gate, await gate.member(name, role=Role.ADMIN))
    me = (await desk("GET", "/api/v1/me")).json()
    return desk, f"/api/v1/admin/teams/{me['team']['id']}/members"


async def own(desk: Desk, path: str) -> str:
    return f"{path}/{(await desk('GET', '/api/v1/me')).json()['member_id']}"


async def test_a_member_from_its_start_to_its_end(still_gate: Gateway) -> None:
    desk, path = await lead_of(still_gate)
    made = await desk("POST", path, {"name": "ada", "credit_limit": 800_000, "max_open": 3})
    assert made.status_code == 201, made.text
    member = made.json()
    one, defaults = f"{path}/{member['id']}", still_gate.rt.settings
    assert {**member, "id": "", "team_id": "", "created_at": ""} == {
        "object": "member", "id": "", "team_id": "", "name": "ada", "role": "MEMBER",
        "status": "ACTIVE", "created_at": "", "ended_at": None, "credit_limit": 800_000,
        "granted_credits": 0,
        "credit_period": defaults.member_credit_period, "used_credits": 0, "settled_credits": 0,
        "held_credits": 0, "remaining_credits": 800_000, "resets_at": None,
        "rate_per_minute": defaults.member_rate_per_minute,
        "rate_burst": defaults.member_rate_burst, "max_open": 3,
    }  # fmt: skip
    wider = {"credit_limit": 900_000, "credit_period": "week", "max_open": 4, "reason": "launch"}
    changed = await desk("PATCH", one, wider)
    assert changed.status_code == 200, changed.text
    now = changed.json()
    assert [now[name] for name in ("credit_limit", "credit_period", "max_open")] == [
        900_000, "week", 4,
    ]  # fmt: skip
    assert now["resets_at"] is not None
    assert now["rate_burst"] == member["rate_burst"]
    renamed = await desk("POST", f"{one}/rename", {"new_name": "grace"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "grace")
    promoted = await desk("PATCH", one, {"role": "ADMIN"})
    assert promoted.json()["role"] == "ADMIN"
    # From here on, only operators change it.
    assert (await desk("PATCH", one, {"role": "MEMBER"})).status_code == 403
    root = await operator(still_gate)
    assert (await root("PATCH", one, {"role": "MEMBER"})).status_code == 200
    suspended = await desk("PATCH", one, {"status": "SUSPENDED", "reason": "odd use"})
    assert suspended.json()["status"] == "SUSPENDED"
    ended = await desk("POST", f"{one}/end", {"reason": "left"})
    assert ended.json() == {"id": member["id"], "revoked_keys": []}
    assert (await desk("GET", one)).json()["ended_at"] is not None
    listed = (await desk("GET", path)).json()["data"]
    assert [each["name"] for each in listed] == ["lead", "grace"]
    lines = (await root("GET", f"/api/v1/admin/audit?member={TEAM}/grace")).json()["data"]
    assert [line["detail"].get("reason") for line in lines if line["actor"] != "default/root"] == [
        "left", "odd use", None,
    ]  # fmt: skip


async def test_what_is_used_is_shown(still_gate: Gateway) -> None:
    desk, path = await lead_of(still_gate)
    key = await still_gate.member()
    assert (await still_gate.create(key)).status_code == 202
    ada = (await desk("GET", path)).json()["data"][1]
    own_view = (await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
    account = next(a for a in own_view["credits"]["accounts"] if a["account"] == "member")
    for name in ("used_credits", "held_credits", "settled_credits", "remaining_credits"):
        assert ada[name] == account[name], name
    assert ada["held_credits"] > 0


async def test_nobody_changes_suspends_or_ends_themself(still_gate: Gateway) -> None:
    lead, path = await lead_of(still_gate)
    root = await operator(still_gate)
    team = (await root("GET", "/api/v1/me")).json()["team"]["id"]
    for desk, one in (
        (lead, await own(lead, path)),
        (root, await own(root, f"/api/v1/admin/teams/{team}/members")),
    ):
        before = (await desk("GET", one)).json()
        for body in CHANGES:
            answer = await desk("PATCH", one, {**body, "reason": "for me"})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), body
        assert (await desk("POST", f"{one}/end", {"reason": "bored"})).status_code == 403
        assert (await desk("GET", one)).json() == before
        # A name is no limit.
        assert (await desk("POST", f"{one}/rename", {"new_name": "me"})).status_code == 200


CHANGES: list[dict[str, Any]] = [
    {"credit_limit": 10**9}, {"credit_limit": 1}, {"credit_period": "day"}, {"max_open": 999},
    {"rate_per_minute": 999}, {"rate_burst": 999}, {"role": "MEMBER"}, {"role": "ADMIN"},
    {"status": "SUSPENDED"}, {"status": "ACTIVE"}, {},
]  # fmt: skip


async def test_those_who_rank_the_same_change_each_other_only_as_operators(
    still_gate: Gateway,
) -> None:
    lead, path = await lead_of(still_gate)
    other, _ = await lead_of(still_gate, "other")
    for body in CHANGES:
        answer = await lead("PATCH", await own(other, path), {**body, "reason": "a favour"})
        assert answer.status_code == 403, body
    assert (await lead("POST", f"{await own(other, path)}/end", {"reason": "x"})).status_code == 403
    root = await operator(still_gate)
    team = (await root("GET", "/api/v1/me")).json()["team"]["id"]
    second = Desk(still_gate, await still_gate.member("second", team="default", role=Role.ADMIN))
    one = await own(root, f"/api/v1/admin/teams/{team}/members")
    raised = await second("PATCH", one, {"max_open": 999, "reason": "needed"})
    assert (raised.status_code, raised.json()["max_open"]) == (200, 999)
    assert (await second("PATCH", one, {"role": "MEMBER"})).status_code == 200
    assert (await root("GET", "/api/v1/admin/pauses")).status_code == 403


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"credit_limit": 10**9}, "reason"),
    ({"credit_period": "day"}, "reason"),
    ({"rate_per_minute": 60_000}, "reason"),
    ({"rate_burst": 60_000}, "reason"),
    ({"max_open": 1_000_000}, "reason"),
    ({"status": "SUSPENDED"}, "reason"),
    ({"credit_limit": None}, "credit_limit"),
    ({"credit_limit": 1.5}, "credit_limit"),
    ({"max_open": 0}, "max_open"),
    ({"rate_per_minute": 60_001}, "rate_per_minute"),
    ({"role": "BOSS"}, "role"),
    ({"role": None}, "role"),
    ({"credits": 1}, "credits"),
]


async def test_a_wrong_change_is_refused_and_named(still_gate: Gateway) -> None:
    desk, path = await lead_of(still_gate)
    made = (await desk("POST", path, {"name": "ada"})).json()
    for body, field in WRONG:
        answer = await desk("PATCH", f"{path}/{made['id']}", body)
        assert answer.status_code == 422, body
        assert [issue["field"] for issue in answer.json()["errors"]] == [field], body
    assert (await desk("GET", f"{path}/{made['id']}")).json() == made
    for body, field in (({"name": "ada"}, "name"), ({}, "name"), ({"name": "b", "max_open": 0},
                        "max_open"), ({"name": "b", "max_open": None}, "max_open")):  # fmt: skip
        answer = await desk("POST", path, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), body


async def test_a_suspended_administrator_manages_nobody(still_gate: Gateway) -> None:
    desk, path = await lead_of(still_gate)
    one = await own(desk, path)
    root = await operator(still_gate)
    assert (await root("PATCH", one, {"status": "SUSPENDED", "reason": "odd"})).status_code == 200
    answer = await desk("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


async def test_pages_of_members_join(still_gate: Gateway) -> None:
    desk, path = await lead_of(still_gate)
    for name in ("b", "a", "c"):
        await members.create_member(
            still_gate.rt, TEAM, name, role=Role.MEMBER, limits=Limits(), actor=TESTER
        )
    first = (await desk("GET", f"{path}?limit=3")).json()
    rest = (await desk("GET", f"{path}?limit=3&cursor={first['next_cursor']}")).json()
    assert [m["name"] for m in first["data"] + rest["data"]] == ["lead", "b", "a", "c"]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
