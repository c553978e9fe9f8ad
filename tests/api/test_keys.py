"""Keys over the API: a member's own, and those of members for who manages them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.domain.accounts import Period
from app.domain.caller import Role
from app.members import keys
from tests.api.desk import Desk, operator
from tests.api.test_members import lead_of
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway

OWN = "/api/v1/keys"
WIDER = {"credit_limit": 6, "reason": "mine"}
ADMIN = "/api/v1/admin/keys"


async def key_of(gate: Gateway, name: str, *, team: str = TEAM, **more: Any) -> Desk:
    """A desk with another key of a member."""
    made = await keys.create_key(gate.rt, team, name, name="more", actor=TESTER, **more)
    return Desk(gate, made.secret)


async def test_a_member_has_its_own_keys(still_gate: Gateway) -> None:
    first = await still_gate.member()
    desk = Desk(still_gate, first)
    later = (still_gate.rt.clock.now() + timedelta(days=30)).isoformat()
    made = await desk("POST", OWN, {"name": "ci", "expires_at": later, "credit_limit": 5,
                                    "credit_period": "day"})  # fmt: skip
    assert made.status_code == 201, made.text
    secret = made.json().pop("secret")
    assert (await Desk(still_gate, secret)("GET", OWN)).status_code == 200
    known = {name: value for name, value in made.json().items() if name != "secret"}
    assert (known["prefix"], known["name"], known["credit_limit"], known["credit_period"]) == (
        secret[:11], "ci", 5, "day",
    )  # fmt: skip
    listed = (await desk("GET", OWN)).json()["data"]
    assert [key["name"] for key in listed] == ["test", "ci"]
    assert secret not in str(listed)

    rotated = await desk("POST", f"{OWN}/{known['id']}/rotate", {"overlap_seconds": 0})
    assert rotated.status_code == 200, rotated.text
    fresh = rotated.json()
    kept = ("name", "expires_at", "credit_limit", "credit_period", "member_id")
    assert [fresh[name] for name in kept] == [known[name] for name in kept]
    assert (await Desk(still_gate, secret)("GET", OWN)).status_code == 401
    assert (await Desk(still_gate, fresh["secret"])("GET", OWN)).status_code == 200
    revoked = await desk("POST", f"{OWN}/{fresh['id']}/revoke", {"reason": "not needed"})
    assert revoked.json()["key"]["revoked_at"] is not None
    assert (await Desk(still_gate, fresh["secret"])("GET", OWN)).status_code == 401
    again = await desk("POST", f"{OWN}/{fresh['id']}/revoke")
    assert (again.status_code, "revoked already" in again.json()["detail"]) == (422, True)


async def test_keys_say_what_is_left_of_their_own_limits(still_gate: Gateway) -> None:
    ada = Desk(still_gate, await still_gate.member())
    lead, path = await lead_of(still_gate)
    limited = {"name": "ci", "credit_limit": 450_000, "credit_period": "day"}
    made = (await ada("POST", OWN, limited)).json()
    empty = (0, 0, 0, 450_000)

    async def shown(key_id: str) -> list[dict[str, Any]]:
        """From each list, and by itself."""
        own = (await ada("GET", OWN)).json()["data"]
        team = (await lead("GET", f"{path.removesuffix('/members')}/keys")).json()["data"]
        one = (await lead("GET", f"{ADMIN}/{key_id}")).json()
        return [key for key in (*own, *team, one) if key["id"] == key_id]

    def figures(key: dict[str, Any]) -> tuple[int | None, ...]:
        names = ("used_credits", "settled_credits", "held_credits", "remaining_credits")
        return tuple(key[name] for name in names)

    assert figures(made) == empty
    assert made["resets_at"] > made["created_at"]
    video = (await still_gate.create(made["secret"])).json()
    assert [figures(key) for key in await shown(made["id"])] == [(150_000, 0, 150_000, 300_000)] * 3
    still_gate.start_worker()
    await still_gate.closed(video["aiRecord"]["uuid"])
    spent = (150_000, 150_000, 0, 300_000)
    assert [figures(key) for key in await shown(made["id"])] == [spent] * 3
    # The key that replaces it goes on in its account, and others have theirs.
    fresh = (await ada("POST", f"{OWN}/{made['id']}/rotate")).json()
    assert (figures(fresh), fresh["resets_at"]) == (spent, made["resets_at"])
    (first,) = {str(key["id"]) for key in (await ada("GET", OWN)).json()["data"]} - {
        str(made["id"]), str(fresh["id"])
    }  # fmt: skip
    assert [figures(key) for key in await shown(first)] == [(0, 0, 0, None)] * 3
    grant = {"credits": 50_000, "reason": "launch"}
    await lead("POST", f"{ADMIN}/{fresh['id']}/grants", grant)
    assert figures((await shown(fresh["id"]))[0]) == (150_000, 150_000, 0, 350_000)


async def test_a_limited_key_makes_none_that_may_more(still_gate: Gateway) -> None:
    first = Desk(still_gate, await still_gate.member())
    limited = await key_of(still_gate, "ada", credit_limit=5)
    soon = still_gate.rt.clock.now() + timedelta(days=1)
    brief = await key_of(still_gate, "ada", expires_at=soon)
    roomy, narrow, short = (key["id"] for key in (await first("GET", OWN)).json()["data"])
    narrower: tuple[dict[str, Any], ...] = ({}, {"credit_limit": 1}, {"credit_limit": 5})
    for body in narrower:
        assert (await limited("POST", OWN, body)).status_code == 403, body
    # Rotating another one would show a secret that may more.
    assert (await limited("POST", f"{OWN}/{roomy}/rotate")).status_code == 403
    assert (await brief("POST", f"{OWN}/{roomy}/rotate")).status_code == 403
    late = (soon + timedelta(seconds=1)).isoformat()
    for body in ({}, {"expires_at": late}, {"expires_at": None}):
        answer = await brief("POST", OWN, body)
        assert (answer.status_code, soon.isoformat() in answer.json()["detail"]) == (403, True)
    assert (await brief("POST", OWN, {"expires_at": soon.isoformat()})).status_code == 201
    # Each replaces itself, with the same limits.
    rotated = (await limited("POST", f"{OWN}/{narrow}/rotate")).json()
    assert rotated["credit_limit"] == 5
    assert (await brief("POST", f"{OWN}/{short}/rotate")).status_code == 200
    # A member does not get at it by way of the limit either.
    for desk in (first, limited):
        changed = await desk("PATCH", f"{ADMIN}/{narrow}", {"credit_limit": None, "reason": "me"})
        assert changed.status_code == 403


async def test_nobody_raises_the_limit_of_the_key_they_call_with(still_gate: Gateway) -> None:
    for number, (desk, _) in enumerate([
        await lead_of(still_gate), (await operator(still_gate), ""),
    ]):  # fmt: skip
        team, name = ((TEAM, "lead"), ("default", "root"))[number]
        limited = await key_of(
            still_gate, name, team=team, credit_limit=5, credit_period=Period.WEEK
        )
        first, second = (key["id"] for key in (await desk("GET", OWN)).json()["data"])
        for body in ({"credit_limit": 6}, {"credit_limit": None}, {"credit_period": "day"}):
            answer = await limited("PATCH", f"{ADMIN}/{second}", {**body, "reason": "mine"})
            assert answer.status_code == 403, body
        # Nor that of the key that replaced it, which counts in the same account.
        fresh = (await limited("POST", f"{ADMIN}/{second}/rotate")).json()
        answer = await limited(
            "PATCH", f"{ADMIN}/{fresh['id']}", {"credit_limit": 6, "reason": "x"}
        )
        assert answer.status_code == 403
        assert (await limited("PATCH", f"{ADMIN}/{second}", {"credit_limit": 4})).status_code == 200
        # A key without a limit has none to raise, and may widen another of its own.
        unreasoned = await desk("PATCH", f"{ADMIN}/{second}", {"credit_limit": 9})
        assert (unreasoned.status_code, unreasoned.json()["errors"][0]["field"]) == (422, "reason")
        wider = await desk("PATCH", f"{ADMIN}/{second}", {"credit_limit": 9, "reason": "launch"})
        assert (wider.status_code, wider.json()["credit_limit"]) == (200, 9)
        assert (await desk("GET", f"{ADMIN}/{fresh['id']}")).json()["credit_limit"] == 9
        assert (await desk("GET", f"{ADMIN}/{first}")).json()["credit_limit"] is None


async def test_who_manages_a_member_manages_its_keys(still_gate: Gateway) -> None:
    ada = await still_gate.member()
    lead, path = await lead_of(still_gate)
    member = (await lead("GET", path)).json()["data"][0]
    made = await lead("POST", f"{path}/{member['id']}/keys", {"name": "ci", "credit_limit": 5})
    assert made.status_code == 201
    ci = Desk(still_gate, made.json()["secret"])
    assert (await ci("GET", "/api/v1/me")).json()["name"] == "ada"
    one = f"{ADMIN}/{made.json()['id']}"
    wider = await lead("PATCH", one, {"credit_limit": None, "credit_period": "month",
                                      "reason": "launch"})  # fmt: skip
    assert (wider.status_code, wider.json()["credit_limit"]) == (200, None)
    page = (await lead("GET", f"{path}/{member['id']}/keys?limit=1")).json()
    rest = (await lead("GET", f"{path}/{member['id']}/keys?cursor={page['next_cursor']}")).json()
    assert [key["name"] for key in page["data"] + rest["data"]] == ["test", "ci"]
    endpoint = (await ci("POST", "/api/v1/webhooks/endpoints", {"url": "https://example.com/"})
                ).json()["id"]  # fmt: skip
    revoked = await lead("POST", f"{path}/{member['id']}/keys/revoke",
                         {"compromised": True, "reason": "leaked"})  # fmt: skip
    assert revoked.status_code == 200, revoked.text
    assert [each["webhook_endpoints"] for each in revoked.json()["data"]] == [[], [endpoint]]
    for desk in (ci, Desk(still_gate, ada)):
        assert (await desk("GET", OWN)).status_code == 401
    assert (await lead("POST", f"{path}/{member['id']}/keys/revoke")).json()["data"] == []
    # Nobody acts in the name of somebody of the same rank.
    other, _ = await lead_of(still_gate, "other")
    (theirs,) = (await other("GET", OWN)).json()["data"]
    for suffix in ("", "/revoke"):
        refused = await lead("POST", f"{path}/{theirs['member_id']}/keys{suffix}", {})
        assert refused.status_code == 403
    for verb in ("rotate", "revoke"):
        assert (await lead("POST", f"{ADMIN}/{theirs['id']}/{verb}")).status_code == 403
    assert (await lead("GET", f"{ADMIN}/{theirs['id']}")).status_code == 200


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": " ci"}, "name"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "9999-12-31T23:59:59Z"}, "expires_at"),
    ({"expires_at": "2030-01-01"}, "expires_at"),
    ({"expires_at": 1_900_000_000}, "expires_at"),
    ({"credit_limit": -1}, "credit_limit"),
    ({"credit_period": "year"}, "credit_period"),
    ({"scopes": []}, "scopes"),
]


async def test_a_wrong_key_is_refused_and_named(still_gate: Gateway) -> None:
    desk = Desk(still_gate, await still_gate.member())
    for body, field in WRONG:
        answer = await desk("POST", OWN, body)
        assert answer.status_code == 422, body
        assert [issue["field"] for issue in answer.json()["errors"]] == [field], body
    assert len((await desk("GET", OWN)).json()["data"]) == 1


async def test_a_suspended_member_makes_no_keys(still_gate: Gateway) -> None:
    desk = Desk(still_gate, await still_gate.member())
    root = Desk(still_gate, await still_gate.member("root", team="default", role=Role.ADMIN))
    me = (await desk("GET", "/api/v1/me")).json()
    one = f"/api/v1/admin/teams/{me['team']['id']}/members/{me['member_id']}"
    assert (await root("PATCH", one, {"status": "SUSPENDED", "reason": "odd"})).status_code == 200
    answer = await desk("POST", OWN, {})
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
