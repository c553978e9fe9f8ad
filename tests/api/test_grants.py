"""Grants over the API: what is given, who lists it, and who may not."""

from __future__ import annotations

from app.domain.caller import Role
from app.members import keys, teams
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway

GRANT = {"credits": 5, "reason": "launch"}


async def test_what_is_granted_is_listed_and_shown_beside_the_limit(still_gate: Gateway) -> None:
    rt = still_gate.rt
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    root = await operator(still_gate)
    own = Desk(still_gate, await still_gate.member(credit_limit=7, credit_period="month"))
    me = (await own("GET", "/api/v1/me")).json()
    team = f"/api/v1/admin/teams/{me['team']['id']}"
    await teams.change_team(rt, TEAM, credit_limit=9, actor=TESTER)
    key = await keys.create_key(rt, TEAM, "ada", name="ci", credit_limit=8, actor=TESTER)
    for desk, path, kind, limit in (
        (root, team, "team", 9),
        (lead, f"{team}/members/{me['member_id']}", "member", 7),
        (lead, f"/api/v1/admin/keys/{key.key.id}", "key", 8),
    ):
        made = await desk("POST", f"{path}/grants", GRANT)
        assert made.status_code == 201, made.text
        grant = made.json()
        assert (grant["account"], grant["credits"], grant["reason"]) == (kind, 5, "launch")
        assert grant["actor"] == ("default/root" if desk is root else f"{TEAM}/lead")
        assert (grant["ends_at"] is None) is (kind != "member")
        again = (await desk("POST", f"{path}/grants", {**GRANT, "credits": 6})).json()
        first = (await lead("GET", f"{path}/grants?limit=1")).json()
        rest = (await lead("GET", f"{path}/grants?cursor={first['next_cursor']}")).json()
        assert first["data"] + rest["data"] == [grant, again]
        assert (rest["has_more"], rest["next_cursor"]) == (False, None)
        shown = (await lead("GET", path)).json()
        assert (shown["credit_limit"], shown["granted_credits"]) == (limit, 11)
        assert shown.get("remaining_credits", limit + 11) == limit + 11
    line, *_ = (await root("GET", "/api/v1/admin/audit?action=grant.give")).json()["data"]
    assert (line["subject"], line["detail"]) == (
        f"{TEAM}/ada",
        {"account": "key", "key": key.key.prefix, "credits": 6, "reason": "launch"},
    )


async def test_nobody_grants_to_themself_or_to_those_of_their_rank(still_gate: Gateway) -> None:
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    other = Desk(still_gate, await still_gate.member("other", role=Role.ADMIN))
    me = (await lead("GET", "/api/v1/me")).json()
    path = f"/api/v1/admin/teams/{me['team']['id']}/members/{me['member_id']}/grants"
    for desk in (lead, other):
        assert (await desk("POST", path, GRANT)).status_code == 403
    assert (await (await operator(still_gate))("POST", path, GRANT)).status_code == 201
    # A key with a limit raises none of its member's keys, itself least of all.
    own = await keys.create_key(
        still_gate.rt, TEAM, "lead", name="ci", credit_limit=8, actor=TESTER
    )
    limited = Desk(still_gate, own.secret)
    answer = await limited("POST", f"/api/v1/admin/keys/{own.key.id}/grants", GRANT)
    assert answer.status_code == 403


async def test_a_wrong_grant_is_refused_and_named(still_gate: Gateway) -> None:
    root = await operator(still_gate)
    own = Desk(still_gate, await still_gate.member(credit_limit=7))
    me = (await own("GET", "/api/v1/me")).json()
    path = f"/api/v1/admin/teams/{me['team']['id']}/members/{me['member_id']}/grants"
    for wrong, field in (
        ({"credits": 0}, "credits"), ({"credits": 1.5}, "credits"),
        ({"credits": 10**16}, "credits"),
        ({"reason": ""}, "reason"), ({"reason": None}, "reason"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"), ({"ends_at": "soon"}, "ends_at"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "ends_at"), ({"days": 3}, "days"),
    ):  # fmt: skip
        answer = await root("POST", path, {**GRANT, **wrong})
        assert answer.status_code == 422, wrong
        assert [issue["field"] for issue in answer.json()["errors"]] == [field], wrong
    unlimited = f"/api/v1/admin/teams/{me['team']['id']}/grants"
    answer = await root("POST", unlimited, GRANT)
    assert answer.status_code == 422
    assert "no credit limit of its own" in answer.json()["detail"]
    assert (await root("GET", path)).json()["data"] == []
