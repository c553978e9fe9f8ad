"""Who may do what: every route under `/api/v1/admin` and `/api/v1/keys`, called by everybody."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from app.api.routes import create_api
from app.domain.caller import Role
from app.domain.limits import Limits
from app.members import keys, members, teams
from tests.api.roles import CASES, ROLES, Case
from tests.harness.actors import TESTER
from tests.harness.gateway import Gateway


def test_every_route_is_in_the_matrix() -> None:
    known = {
        operation["operationId"]
        for path, methods in create_api().openapi()["paths"].items()
        if path.startswith(("/admin", "/keys"))
        for operation in methods.values()
    }
    assert known == set(CASES)


class Place:
    """A team with an administrator, a member that others act on, and its key; and somebody of each
    role. Each has its own, so that what one does is not in the way of another."""

    _numbers = count()

    def __init__(self, gate: Gateway) -> None:
        self._gate = gate
        self._name = f"team-{next(self._numbers)}"

    async def call(self, role: str, case: Case) -> tuple[int, Any]:
        ids, key = await self._furnish(role)
        body = None if case.body is None else json.loads(
            json.dumps(case.body).replace("{new}", f"new-{self._name}")
        )  # fmt: skip
        answer = await self._gate.http.request(
            case.method, f"/api/v1{case.path.format(**ids)}", json=body,
            headers={} if key is None else {"API-KEY": key},
        )  # fmt: skip
        return answer.status_code, answer.json() if answer.content else None

    async def _furnish(self, role: str) -> tuple[dict[str, UUID], str | None]:
        rt = self._gate.rt
        team = await teams.create_team(rt, self._name, credit_limit=9, actor=TESTER)
        subject = await members.create_member(
            rt, team.id, "subject", role=Role.MEMBER, limits=Limits(), actor=TESTER
        )
        made = await keys.create_key(rt, team.id, subject.id, name="its", actor=TESTER)
        ids = {"team": team.id, "subject": subject.id, "key": made.key.id}
        if role == "anonymous":
            return ids, None
        whose = {"stranger": f"{self._name}-other", "operator": "default"}.get(role, self._name)
        caller = await self._gate.member(
            f"{role}-{self._name}", team=whose,
            role=Role.MEMBER if role == "member" else Role.ADMIN,
        )  # fmt: skip
        return ids, caller


async def test_each_role_is_answered_as_the_matrix_says(still_gate: Gateway) -> None:
    answered = {}
    for name, case in CASES.items():
        found = [(await Place(still_gate).call(role, case))[0] for role in ROLES]
        answered[name] = " ".join(str(status) for status in found)
    assert answered == {name: case.statuses for name, case in CASES.items()}


async def test_others_teams_answer_like_unknown_ones(still_gate: Gateway) -> None:
    """Word for word but for the ids."""
    lead = await still_gate.member("lead", role=Role.ADMIN)
    other = await teams.create_team(still_gate.rt, "other", credit_limit=9, actor=TESTER)
    subject = await members.create_member(
        still_gate.rt, other.id, "ada", role=Role.MEMBER, limits=Limits(), actor=TESTER
    )
    made = await keys.create_key(still_gate.rt, other.id, subject.id, name="its", actor=TESTER)
    theirs = {"team": other.id, "subject": subject.id, "key": made.key.id}
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
