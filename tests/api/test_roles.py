"""Who may do what: every route under `/api/v1/admin` and `/api/v1/keys`, called by everybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from app.api.routes import create_api
from app.db import credit_requests
from app.domain.accounts import AccountKind
from app.domain.caller import Role
from app.domain.limits import Limits
from app.members import keys, members, teams
from tests.api.roles import CASES, ROLES, Case
from tests.harness.actors import TESTER
from tests.harness.gateway import Gateway
from tests.harness.rows import an_endpoint, failed_delivery, queued_one


def test_every_route_is_in_the_matrix() -> None:
    known = {
        operation["operationId"]
        for path, methods in create_api().openapi()["paths"].items()
        if path.startswith(("/admin", "/keys"))
        for operation in methods.values()
    }
    assert known == set(CASES)


async def answers(gate: Gateway, number: int, case: Case, shared: dict[str, str]) -> str:
    """The statuses, in the order of `ROLES`. The team is the case's own, with a member that is
    acted on; operators, who come last, find another one there, as it was."""
    rt, name = gate.rt, f"team-{number}"
    team = await teams.create_team(rt, name, credit_limit=9, actor=TESTER)
    callers = {
        **shared,
        "member": await gate.member("member", team=name),
        "lead": await gate.member("lead", team=name, role=Role.ADMIN),
    }
    subjects = {who: await _subject(gate, name, who) for who in ("first", "second")}
    found = []
    for role in ROLES:
        ids = {"team": team.id, **subjects["second" if role == "operator" else "first"]}
        body = json.loads(json.dumps(case.body).replace("{new}", f"new-{number}-{role}"))
        answer = await gate.http.request(
            case.method, f"/api/v1{case.path.format(**ids)}",
            json=body, headers={"API-KEY": callers[role]} if role in callers else {},
        )  # fmt: skip
        found.append(str(answer.status_code))
    return " ".join(found)


async def _subject(gate: Gateway, team: str, name: str) -> dict[str, UUID]:
    """A plain member with one of everything."""
    subject = await members.create_member(
        gate.rt, team, name, role=Role.MEMBER, limits=Limits(), actor=TESTER
    )
    made = await keys.create_key(gate.rt, team, name, name="its", credit_limit=9, actor=TESTER)
    generation_id = await queued_one(
        gate, team_id=subject.team_id, member_id=subject.id, key_id=made.key.id
    )
    endpoint_id = await an_endpoint(gate, team_id=subject.team_id, member_id=subject.id)
    delivery_id = await failed_delivery(
        gate, generation_id, team_id=subject.team_id, member_id=subject.id, endpoint_id=endpoint_id
    )
    request_id = uuid4()
    async with gate.rt.db.begin() as tx:
        await credit_requests.add_request(
            tx, request_id, team_id=subject.team_id, member_id=subject.id, account_id=subject.id,
            kind=AccountKind.MEMBER, credits_=5, reason="odd", ends_at=None,
            created_at=datetime.now(UTC),
        )  # fmt: skip
    return {
        "request": request_id,
        "subject": subject.id, "key": made.key.id, "generation": generation_id,
        "endpoint": endpoint_id,
        "delivery": delivery_id,
    }  # fmt: skip


async def test_each_role_is_answered_as_the_matrix_says(still_gate: Gateway) -> None:
    shared = {
        "stranger": await still_gate.member("lead", team="strangers", role=Role.ADMIN),
        "operator": await still_gate.member("root", team="default", role=Role.ADMIN),
    }
    answered = {
        name: await answers(still_gate, number, case, shared)
        for number, (name, case) in enumerate(CASES.items())
    }
    assert answered == {name: case.statuses for name, case in CASES.items()}


async def test_others_teams_answer_like_unknown_ones(still_gate: Gateway) -> None:
    """Word for word but for the ids."""
    lead = await still_gate.member("lead", role=Role.ADMIN)
    other = await teams.create_team(still_gate.rt, "other", credit_limit=9, actor=TESTER)
    theirs = {"team": other.id, **await _subject(still_gate, "other", "ada")}
    nobodys = {name: uuid4() for name in theirs}
    for name, case in CASES.items():
        if "{" not in case.path:
            continue
        said = []
        for ids in (theirs, nobodys):
            answer = await still_gate.http.request(
                case.method, f"/api/v1{case.path.format(**ids)}", json=case.body,
                headers={"API-KEY": lead},
            )  # fmt: skip
            words = answer.text.replace(answer.json()["request_id"], "")
            for what, own in ids.items():
                words = words.replace(str(own), what)
            said.append((answer.status_code, words))
        assert said[0] == said[1], name
        assert said[0][0] == 404, name
