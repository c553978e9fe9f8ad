"""A team can require tags: every API refuses what lacks one, and names it."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import audit
from app.domain.metadata import HEADER
from app.members import teams
from tests.api.desk import operator
from tests.api.test_create import asked, post
from tests.api.test_end_user import created_id
from tests.api.test_generations import problem
from tests.api.test_metadata import CREATES, only_issue, send_with
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import traces

TAGGED = {"metadata": {"cost_centre": "4711"}}


async def _require(gate: Gateway, *keys: str) -> None:
    await teams.change_team(gate.rt, TEAM, required_tags=keys, actor=TESTER)


@pytest.mark.parametrize("way", CREATES)
async def test_what_lacks_a_tag_is_refused_and_costs_nothing(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    untagged = created_id(await send_with(still_gate, key, way, {}, Idempotency_Key="before"))
    await _require(still_gate, "project", "cost_centre")
    before = await traces(still_gate)
    for tags in ({"project": "x"}, {"project": "x", "cost_centre": ""}):
        issue = only_issue(way, await send_with(still_gate, key, way, {"metadata": tags}))
        assert issue == {
            "field": "metadata.cost_centre", "code": "missing",
            "message": "your team requires this tag; send it in metadata, or in the header "
            "Reelgate-Metadata",
        }  # fmt: skip
    refused = await send_with(still_gate, key, way, {})
    assert refused.status_code in (400, 422)
    assert "metadata.project" in refused.text
    assert "metadata.cost_centre" in refused.text
    assert await traces(still_gate) == before
    # What was admitted before stays, also for those whose answer was lost.
    again = await send_with(still_gate, key, way, {}, Idempotency_Key="before")
    assert created_id(again) == untagged
    header = {HEADER.replace("-", "_"): '{"project": "x"}'}
    made = created_id(await send_with(still_gate, key, way, TAGGED, **header))
    assert (await still_gate.generation(made)).metadata == {"project": "x", "cost_centre": "4711"}


async def test_another_team_goes_without(still_gate: Gateway) -> None:
    await still_gate.member()
    await _require(still_gate, "cost_centre")
    other = await still_gate.member("bob", team="atelier")
    assert created_id(await send_with(still_gate, other, "rest", {}))


async def test_an_estimate_and_a_retry_need_it_too(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = created_id(await send_with(still_gate, key, "rest", {}))
    await post(still_gate, key, f"/{made}/cancel")
    await _require(still_gate, "cost_centre")
    for path, body in (("/estimate", asked()), (f"/{made}/retry", None)):
        refused = problem(await post(still_gate, key, path, body), 422, "invalid_request")
        assert [issue["field"] for issue in refused["errors"]] == ["metadata.cost_centre"]
        tagged = await still_gate.http.post(
            f"/api/v1/generations{path}", json=body,
            headers={"API-KEY": key, HEADER: '{"cost_centre": "4711"}'},
        )  # fmt: skip
        assert tagged.is_success, tagged.text


async def test_operators_say_which(still_gate: Gateway) -> None:
    key = await still_gate.member()
    desk = await operator(still_gate)
    rows = (await desk("GET", "/api/v1/admin/teams")).json()["data"]
    [path] = [f"/api/v1/admin/teams/{row['id']}" for row in rows if row["name"] == TEAM]
    changes: list[tuple[dict[str, Any], list[str]]] = [
        ({"required_tags": ["a", "b", "a"]}, ["a", "b"]),
        ({"retention_days": 3}, ["a", "b"]),
        ({"required_tags": []}, []),
    ]
    for body, required in changes:
        changed = await desk("PATCH", path, body)
        assert changed.json()["required_tags"] == required
    assert created_id(await send_with(still_gate, key, "rest", {}))
    async with still_gate.rt.db.single() as tx:
        lines = await audit.lines(tx, audit.Wanted(subject=TEAM), limit=10)
    details = [each.detail for each in lines if each.action == "team.change"]
    assert [each.get("required_tags") for each in details] == [[], None, ["a", "b"]]
