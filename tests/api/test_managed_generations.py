"""Generations of everybody, as operators and administrators of a team see and change them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from app.db.events import Past
from app.domain.caller import Role
from app.domain.generation import State
from app.domain.ids import video_id
from app.generations.story import submissions
from tests.api.desk import Desk, operator
from tests.harness.gateway import TEAM, UPSTREAM_KEY, Gateway, body
from tests.harness.traces import execute, one
from tests.worker.test_submissions import PRICE, created

PATH = "/api/v1/admin/generations"
HERS = f"{PATH}/{{}}"


async def lead(gate: Gateway, team: str = TEAM) -> Desk:
    return Desk(gate, await gate.member("lead", team=team, role=Role.ADMIN))


async def ids(desk: Desk, query: str = "") -> list[str]:
    answer = await desk("GET", f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def make(gate: Gateway, key: str, **options: Any) -> str:
    answer = await gate.create(key, body(**options))
    found: str = answer.json()["aiRecord"]["uuid"]
    return found


async def test_operators_see_everybodys_and_leads_their_teams(still_gate: Gateway) -> None:
    ada, eve = await still_gate.member("ada"), await still_gate.member("eve", team="rivals")
    made = [await make(still_gate, key) for key in (ada, eve, ada, eve)]
    root = await operator(still_gate)
    assert await ids(root) == made[::-1]
    assert await ids(await lead(still_gate)) == [made[2], made[0]]
    assert await ids(await lead(still_gate, "rivals")) == [made[3], made[1]]
    found, query = [], "limit=1"
    while True:
        page = (await root("GET", f"{PATH}?{query}")).json()
        found += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        query = f"limit=1&cursor={page['next_cursor']}"
    assert found == made[::-1]


async def test_each_filter_leaves_what_it_names(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    eve = await still_gate.member("eve", team="rivals")
    of_ada = await make(still_gate, ada)
    tagged = await still_gate.http.post(
        "/api/v1/generations", headers={"API-KEY": bob},
        json={"feature": "TEXT_TO_VIDEO", "prompt": "a lake", "model": "ray-v2", "duration": "5s",
              "metadata": {"cost_centre": "4711"}},
    )  # fmt: skip
    of_bob, of_eve = tagged.json()["id"], await make(still_gate, eve)
    root, boss = await operator(still_gate), await lead(still_gate)
    whose = {
        each["id"]: each for each in (await root("GET", PATH)).json()["data"]
    }  # fmt: skip
    assert (whose[of_eve]["team"], whose[of_eve]["member"]) == ("rivals", "eve")
    for query, wanted in {
        f"team_id={whose[of_ada]['team_id']}": [of_bob, of_ada],
        f"member_id={whose[of_ada]['member_id']}": [of_ada],
        f"key_id={whose[of_bob]['key_id']}": [of_bob],
        f"team_id={whose[of_eve]['team_id']}&member_id={whose[of_ada]['member_id']}": [],
        "model=ray-v2": [of_bob],
        "metadata[cost_centre]=4711": [of_bob],
        "state=queued&state=failed": [of_eve, of_bob, of_ada],
        "state=failed": [],
        f"created_from={whose[of_eve]['created_at'].replace('+', '%2B')}": [of_eve],
        f"created_before={whose[of_bob]['created_at'].replace('+', '%2B')}": [of_ada],
        f"team_id={uuid4()}": [], f"member_id={uuid4()}": [], f"key_id={uuid4()}": [],
    }.items():  # fmt: skip
        assert await ids(root, query) == wanted, query
    for name in ("team_id", "member_id", "key_id"):
        assert await ids(boss, f"{name}={whose[of_eve][name]}") == [], name
    refused = await root("GET", f"{PATH}?model=ray-v9")
    assert refused.status_code == 422


async def test_the_story_of_a_video_and_what_of_it_is_for_operators(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await created(gate, key, "a wave")
    await gate.archived(uuid)
    (sent,) = (await gate.simulator.summary())["submissions"]
    told = (await (await operator(gate))("GET", HERS.format(uuid))).json()
    assert (told["team"], told["member"], told["state"]) == (TEAM, "ada", "succeeded")
    assert told["key_prefix"] == key[: len(told["key_prefix"])] != key
    assert (told["upstream_key"], told["upstream_id"]) == ("main", sent["uuid"])
    (submission,) = told["submissions"]
    assert (submission["ended_as"], submission["upstream_key"]) == ("running", "main")
    assert told["events"][1]["type"] == "generation.submitting"
    assert set(told["events"][1]["data"]) == {"attempt"}
    assert [(e["kind"], e["held_credits"], e["settled_credits"]) for e in told["ledger"]] == [
        ("hold", PRICE, 0), ("settle", -PRICE, PRICE),
    ]  # fmt: skip
    path = told["files"][0]["path"]
    assert path.startswith("videos/")
    assert told["video"]["url"] is None
    leads = await (await lead(gate))("GET", HERS.format(uuid))
    told = leads.json()
    for hidden in (sent["uuid"], '"main"', path, UPSTREAM_KEY, key):
        assert hidden not in leads.text, hidden
    assert [each["type"] for each in told["events"]][-1] == "video.archived"
    assert told["submissions"][0]["ended_as"] == "running"
    assert told["files"][0]["state"] == "archived"


async def test_why_a_try_is_repeated_is_for_operators(gate: Gateway) -> None:
    """That its credits are used up tells of the account that pays."""
    await gate.simulator.fault("rate_limited", times=1)
    uuid = await created(gate, await gate.member())
    await gate.closed(uuid)
    told = (await (await operator(gate))("GET", HERS.format(uuid))).json()
    assert [(each["ended_as"], each["reason"]) for each in told["submissions"]] == [
        ("queued", "rate_limited"), ("running", None),
    ]  # fmt: skip
    leads = await (await lead(gate))("GET", HERS.format(uuid))
    assert [each["ended_as"] for each in leads.json()["submissions"]] == ["queued", "running"]
    assert "rate_limited" not in leads.text


def test_a_restore_is_no_try() -> None:
    def past(state: State, **data: Any) -> Past:
        return Past(type=f"generation.{state}", created_at=datetime.now(UTC), data=data)

    told = submissions(
        [
            past(State.QUEUED), past(State.SUBMITTING, attempt="1"),
            past(State.QUEUED, reason="rate_limited"), past(State.SUBMITTING, reason="restored"),
            past(State.UNKNOWN, reason="restored"),
        ]
    )  # fmt: skip
    assert [(each.ended_as, each.reason) for each in told] == [(State.QUEUED, "rate_limited")]


async def test_canceling_for_somebody_needs_a_reason_which_stays(still_gate: Gateway) -> None:
    uuid = await make(still_gate, await still_gate.member())
    boss = await lead(still_gate)
    for body_ in (None, {}, {"reason": ""}):
        refused = await boss("POST", f"{HERS.format(uuid)}/cancel", body_)
        assert refused.status_code == 422, refused.text
    for _ in range(2):
        done = await boss("POST", f"{HERS.format(uuid)}/cancel", {"reason": "asked to"})
        assert (done.status_code, done.json()["state"]) == (200, "canceled"), done.text
    told = (await boss("GET", HERS.format(uuid))).json()
    assert [(d["action"], d["actor"], d["detail"]) for d in told["deeds"]] == [
        ("generation.cancel", f"{TEAM}/lead", {"reason": "asked to"})
    ]
    used = await one(still_gate, "SELECT sum(held + settled) AS used FROM balances")
    assert used == {"used": 0}


async def test_what_was_sent_is_not_canceled_and_what_was_not_lost_not_archived_again(
    still_gate: Gateway,
) -> None:
    uuid = await make(still_gate, await still_gate.member())
    await execute(
        still_gate, "UPDATE generations SET state = 'submitting' WHERE id = :id", id=UUID(uuid)
    )
    root = await operator(still_gate)
    for path, code in (("cancel", "not_cancelable"), ("retry-archiving", "not_set_aside"),
                       ("accept-file", "not_set_aside")):  # fmt: skip
        refused = await root("POST", f"{HERS.format(uuid)}/{path}", {"reason": "odd"})
        assert (refused.status_code, refused.json()["code"]) == (409, code), path


async def test_a_lost_video_is_archived_again(gate: Gateway) -> None:
    uuid = await created(gate, await gate.member())
    await gate.archived(uuid)
    await execute(gate, "UPDATE assets SET state = 'lost', path = NULL WHERE kind = 'video'")
    boss = await lead(gate)
    done = await boss("POST", f"{HERS.format(uuid)}/retry-archiving", {"reason": "it is back"})
    assert done.status_code == 200, done.text
    assert done.json()["deeds"][0]["detail"] == {"reason": "it is back"}
    await gate.archived(uuid)


async def test_leads_see_their_unknown_ones_and_resolve_none(still_gate: Gateway) -> None:
    ada, eve = await still_gate.member("ada"), await still_gate.member("eve", team="rivals")
    made = [await make(still_gate, key) for key in (ada, eve, ada)]
    await execute(
        still_gate,
        "UPDATE generations SET state = 'unknown', unknown_reason = 'reset', upstream_id = id",
    )
    boss, root = await lead(still_gate), await operator(still_gate)
    path = "/api/v1/admin/unknown"
    first = (await root("GET", f"{path}?limit=2")).json()
    rest = (await root("GET", f"{path}?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in first["data"] + rest["data"]] == made
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    found = (await boss("GET", path)).json()["data"]
    assert [each["id"] for each in found] == [made[0], made[2]]
    assert {each["unknown_reason"] for each in found} == {"reset"}
    assert {each["upstream_id"] for each in found} == {None}
    refused = await boss(
        "POST", f"{path}/{made[0]}/resolve", {"outcome": "not_made", "reason": "seen"}
    )
    assert refused.status_code == 403


async def test_any_id_finds_what_it_names(gate: Gateway) -> None:
    ada, eve = await gate.member("ada"), await gate.member("eve", team="rivals")
    of_ada, of_eve = await created(gate, ada, "a wave"), await created(gate, eve, "a wave")
    await gate.archived(of_ada)
    await gate.archived(of_eve)
    root, boss = await operator(gate), await lead(gate)
    upstream = (await root("GET", HERS.format(of_eve))).json()["upstream_id"]
    for search, wanted in {
        of_eve: [of_eve],
        video_id(UUID(of_eve)): [of_eve],
        upstream: [of_eve],
        upstream.upper(): [of_eve],
        eve[:11]: [of_eve],
        eve: [of_eve],
        eve[:6]: [],
        str(uuid4()): [],
        "nothing": [],
    }.items():
        assert await ids(root, f"search={search}") == wanted, search
        assert await ids(boss, f"search={search}") == [], search
    assert await ids(boss, f"search={of_ada}") == [of_ada]
    assert await ids(boss, f"search={ada[:11]}&state=succeeded") == [of_ada]
    assert await ids(boss, f"search={ada[:11]}&state=failed") == []
    # The upstream's ids tell of its account.
    hers = (await root("GET", HERS.format(of_ada))).json()["upstream_id"]
    assert await ids(boss, f"search={hers}") == []
