"""Teams over the API."""

from __future__ import annotations

from typing import Any

from app.domain.caller import Role
from app.members import teams
from tests.api.desk import Desk, operator
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway

PATH = "/api/v1/admin/teams"


async def test_a_team_from_its_start_to_its_end(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    made = await desk(
        "POST", PATH,
        {"name": "studio", "credit_limit": 500_000, "credit_period": "month",
         "time_zone": "Europe/Berlin", "retention_days": 30},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    team = made.json()
    one = f"{PATH}/{team['id']}"
    assert {**team, "resets_at": None, "id": "", "created_at": ""} == {
        "object": "team", "id": "", "name": "studio", "status": "ACTIVE", "created_at": "",
        "ended_at": None, "members": 0, "credit_limit": 500_000, "credit_period": "month",
        "granted_credits": 0,
        "used_credits": 0, "settled_credits": 0, "held_credits": 0, "remaining_credits": 500_000,
        "resets_at": None, "time_zone": "Europe/Berlin", "retention_days": 30, "required_tags": [],
    }  # fmt: skip
    assert team["resets_at"] is not None

    key = await still_gate.member()
    assert (await still_gate.create(key)).status_code == 202
    seen = (await desk("GET", one)).json()
    assert (seen["members"], seen["used_credits"]) == (1, seen["held_credits"])
    assert seen["used_credits"] > 0
    assert seen["remaining_credits"] == 500_000 - seen["used_credits"]

    changed = await desk(
        "PATCH", one,
        {"credit_limit": None, "retention_days": None, "time_zone": "Asia/Tokyo",
         "credit_period": "none", "reason": "a big order"},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    named = ("credit_limit", "remaining_credits", "retention_days", "time_zone", "resets_at")
    assert [changed.json()[name] for name in named] == [None, None, None, "Asia/Tokyo", None]
    # What is left out stays.
    suspended = await desk("PATCH", one, {"status": "SUSPENDED", "reason": "unpaid"})
    assert (suspended.json()["status"], suspended.json()["time_zone"]) == (
        "SUSPENDED", "Asia/Tokyo",
    )  # fmt: skip
    assert (await still_gate.create(key)).status_code == 403
    assert (await desk("PATCH", one, {"status": "ACTIVE"})).status_code == 200
    renamed = await desk("POST", f"{one}/rename", {"new_name": "atelier"})
    assert renamed.json()["name"] == "atelier"
    ended = await desk("POST", f"{one}/end", {"reason": "left"})
    assert ended.json() == {"id": team["id"], "revoked_keys": [key[:11]]}
    assert (await desk("GET", one)).json()["ended_at"] is not None
    again = await desk("POST", f"{one}/end", {"reason": "left"})
    assert (again.status_code, "has ended" in again.json()["detail"]) == (422, True)

    lines = (await desk("GET", "/api/v1/admin/audit?action=team")).json()["data"]
    assert [(line["action"], line["detail"].get("reason")) for line in lines[:5]] == [
        ("team.end", "left"), ("team.rename", None), ("team.change", None),
        ("team.change", "unpaid"), ("team.change", "a big order"),
    ]  # fmt: skip


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"credit_limit": 10}, "reason"),
    ({"credit_limit": None}, "reason"),
    ({"credit_period": "day"}, "reason"),
    ({"status": "SUSPENDED"}, "reason"),
    ({"status": "SUSPENDED", "reason": " "}, "reason"),
    ({"credit_limit": -1}, "credit_limit"),
    ({"credit_limit": "5"}, "credit_limit"),
    ({"credit_limit": True}, "credit_limit"),
    ({"credit_limit": 10**15 + 1}, "credit_limit"),
    ({"credit_period": "year"}, "credit_period"),
    ({"credit_period": None}, "credit_period"),
    ({"status": "ENDED"}, "status"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"retention_days": 0}, "retention_days"),
    ({"required_tags": None}, "required_tags"),
    ({"required_tags": [""]}, "required_tags"),
    ({"required_tags": ["x" * 65]}, "required_tags"),
    ({"required_tags": ["a\x00"]}, "required_tags"),
    ({"required_tags": [str(n) for n in range(17)]}, "required_tags"),
    ({"name": "x"}, "name"),
]


async def test_a_wrong_change_is_refused_and_named(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    made = (await desk("POST", PATH, {"name": "a", "credit_limit": 9})).json()
    one = f"{PATH}/{made['id']}"
    for body, field in WRONG:
        answer = await desk("PATCH", one, body)
        assert answer.status_code == 422, body
        assert [issue["field"] for issue in answer.json()["errors"]] == [field], body
    assert (await desk("GET", one)).json() == made
    named = (await desk("PATCH", one, {"credit_period": "year"})).json()["errors"][0]
    assert (named["value"], named["allowed"]) == ("year", ["none", "day", "week", "month"])
    ending = await desk("POST", f"{one}/end", {})
    assert [issue["field"] for issue in ending.json()["errors"]] == ["reason"]


async def test_what_lowers_a_limit_needs_no_reason(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    made = await desk("POST", PATH, {"name": "a", "credit_limit": 9, "credit_period": "day"})
    one = f"{PATH}/{made.json()['id']}"
    for body in ({"credit_limit": 8}, {"credit_period": "week"}, {"credit_limit": 8}, {}):
        assert (await desk("PATCH", one, body)).status_code == 200, body


async def test_a_taken_name_is_refused(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    made = (await desk("POST", PATH, {"name": TEAM})).json()
    for path, body, field in (
        (PATH, {"name": TEAM}, "name"),
        (PATH, {"name": " x"}, "name"),
        (f"{PATH}/{made['id']}/rename", {"new_name": "default"}, "new_name"),
    ):
        answer = await desk("POST", path, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), body


async def test_pages_of_teams_join(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    for number in range(4):
        await teams.create_team(still_gate.rt, f"t{number}", credit_limit=None, actor=TESTER)
    names: list[str] = []
    query = ""
    while True:
        page = (await desk("GET", f"{PATH}?limit=2{query}")).json()
        names += [team["name"] for team in page["data"]]
        if not page["has_more"]:
            break
        query = f"&cursor={page['next_cursor']}"
    assert names == ["default", "t0", "t1", "t2", "t3"]
    assert (await desk("GET", f"{PATH}?cursor=x")).json()["errors"][0]["field"] == "cursor"
    # An administrator of a team sees that one.
    lead = Desk(still_gate, await still_gate.member("lead", team="t2", role=Role.ADMIN))
    assert [team["name"] for team in (await lead("GET", PATH)).json()["data"]] == ["t2"]


async def test_nobody_suspends_or_ends_their_own_team(still_gate: Gateway) -> None:
    desk = await operator(still_gate)
    (own,) = (await desk("GET", PATH)).json()["data"]
    one = f"{PATH}/{own['id']}"
    refused = await desk("PATCH", one, {"status": "SUSPENDED", "reason": "odd"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert (await desk("POST", f"{one}/end", {"reason": "odd"})).status_code == 422
    assert (await desk("GET", one)).json()["status"] == "ACTIVE"
