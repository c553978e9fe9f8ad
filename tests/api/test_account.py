"""What a member is told about itself: estimates, models, usage."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.caller import Role
from app.domain.catalog.catalog import BUILT_IN
from app.domain.operators import Pause
from app.members import teams
from app.operators import pauses
from tests.api.test_create import asked, create, post
from tests.api.test_generations import problem
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway, running_gateway, settings_for
from tests.harness.specs import DURATIONS, RATIOS, RESOLUTIONS
from tests.harness.traces import traces


async def estimate(gate: Gateway, key: str, **changes: Any) -> dict[str, Any]:
    answer = await post(gate, key, "/estimate", asked(**changes))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def fetch(gate: Gateway, key: str, path: str, **headers: str) -> httpx.Response:
    return await gate.http.get(f"/api/v1/{path}", headers={"API-KEY": key, **headers})


@pytest.fixture
async def timeless_gate(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """Without a worker, on a clock that stands still: no rate recovers while a test looks."""
    async with gateway(database_url, tmp_path, worker=False, clock=HandClock()) as gate:
        yield gate


async def test_me_names_where_to_practise_unless_that_is_here(
    database_url: str, tmp_path: Path
) -> None:
    practice = "https://practice.example/gate"
    for here, named in ((None, practice), ("http://127.0.0.1:1", None)):
        settings = settings_for(database_url, tmp_path, practice_url=practice, simulator_url=here)
        async with running_gateway(settings, worker=False) as gate:
            me = (await fetch(gate, await gate.member(f"of {here}"), "me")).json()
        assert me["practice_url"] == named


async def test_an_estimate_says_the_price_and_spends_nothing(timeless_gate: Gateway) -> None:
    key = await timeless_gate.member(credit_limit=500_000, rate_per_minute=30, rate_burst=7)
    await create(timeless_gate, key)
    before = await traces(timeless_gate)
    found = await estimate(timeless_gate, key)
    assert await traces(timeless_gate) == before
    assert (found["quote_credits"], found["admissible"]) == (150_000, True)
    assert (found["binding_limit"], found["retry_after_seconds"]) == (None, None)
    assert found["credits"]["binding"]["account"] == "member"
    assert found["credits"]["remaining_credits"] == 350_000
    assert (found["open"], found["rate"]["remaining"]) == (1, 6)
    assert found["expected"] == {
        "queued_ahead": 1, "wait_p50_seconds": None, "wait_p90_seconds": None,
        "duration_p50_seconds": None, "duration_p90_seconds": None,
    }  # fmt: skip


async def test_an_estimate_expects_what_like_ones_took(gate: Gateway) -> None:
    key = await gate.member()
    for _ in range(5):
        assert (await create(gate, key, Prefer="wait=500")).json()["state"] == "succeeded"
    gate.rt.durations.forget()
    expected = (await estimate(gate, key))["expected"]
    assert 0 <= expected["wait_p50_seconds"] <= expected["wait_p90_seconds"] < 20
    assert 0 < expected["duration_p50_seconds"] <= expected["duration_p90_seconds"] < 20
    assert (await estimate(gate, key, model="ray-v1"))["expected"]["wait_p50_seconds"] is None
    found = (await fetch(gate, key, "generations?limit=1")).json()["data"][0]["progress"]
    assert found["p50_seconds"] == expected["duration_p50_seconds"]
    assert found["p90_seconds"] == expected["duration_p90_seconds"]
    assert found["elapsed_seconds"] > 0


@pytest.mark.parametrize(
    ("limits", "limit", "code"),
    [
        ({"rate_burst": 1, "rate_per_minute": 1}, "rate_per_minute", "rate_limited"),
        ({"max_open": 1}, "max_open", "max_open_reached"),
        ({"credit_limit": 150_000}, "member_credit_limit", "insufficient_credits"),
    ],
)
async def test_an_estimate_names_the_limit_that_admission_names(
    timeless_gate: Gateway, limits: dict[str, Any], limit: str, code: str
) -> None:
    key = await timeless_gate.member(**limits)
    assert (await create(timeless_gate, key)).status_code == 202
    found = await estimate(timeless_gate, key)
    assert (found["binding_limit"], found["admissible"]) == (limit, False)
    refused = await create(timeless_gate, key)
    assert refused.json()["code"] == code
    assert refused.json()["limit"] == limit
    said = refused.headers.get("Retry-After")
    assert found["retry_after_seconds"] == (None if said is None else int(said))


async def test_an_estimate_names_a_teams_limit_a_pause_and_a_suspension(
    still_gate: Gateway,
) -> None:
    await teams.create_team(still_gate.rt, "poor", credit_limit=200_000, actor=TESTER)
    key = await still_gate.member(team="poor")
    await create(still_gate, key)
    found = await estimate(still_gate, key)
    assert found["binding_limit"] == "team_credit_limit"
    bound = found["credits"]["binding"]
    assert (bound["account"], bound["credit_limit"]) == ("team", 200_000)
    assert (bound["used_credits"], bound["remaining_credits"]) == (150_000, 50_000)
    me = (await fetch(still_gate, key, "me")).json()
    assert me["credits"] == found["credits"]
    await pauses.set_paused(
        still_gate.rt, Pause.ADMISSION, paused=True, reason="test", actor="test"
    )
    found = await estimate(still_gate, key)
    assert (found["binding_limit"], found["retry_after_seconds"]) == ("paused", 60)


async def test_models_have_all_that_a_form_needs(still_gate: Gateway) -> None:
    key = await still_gate.member()
    found = (await fetch(still_gate, key, "models")).json()
    assert [each["id"] for each in found["data"]] == list(BUILT_IN.enabled)
    for each in found["data"]:
        assert each["prices"], each["id"]
        if each["provider"] != "luma":
            continue
        allowed = {option["name"]: option["allowed"] for option in each["options"]}
        image = {"image": None} if each["feature"] == "IMAGE_TO_VIDEO" else {}
        assert allowed == image | {
            "prompt": None, "duration": list(DURATIONS), "aspect_ratio": list(RATIOS),
            "resolution": list(RESOLUTIONS), "loop": None,
        }  # fmt: skip
        required = {option["name"] for option in each["options"] if option["required"]}
        assert required == {"prompt", "duration", *image}
        if image:
            continue  # An estimate needs one that was uploaded.
        for price in each["prices"]:
            options = {name: price[name] for name in ("duration", "resolution")}
            quoted = await estimate(still_gate, key, model=each["id"], **options)
            assert quoted["quote_credits"] == price["credits"]
    aliases = {each["id"]: each["aliases"] for each in found["data"]}
    assert "sora-2" in aliases["ray-v3"]
    assert aliases["ray-v1"] == ["ray-1-6"]


async def test_what_has_no_price_is_not_among_the_prices(database_url: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nfeature = "TEXT_TO_VIDEO"\nprovider = "luma"\nmodel = "ray-v2"\n'
        'duration = "5s"\ncredits = 7\nas_of = 2026-01-01\nsource = "test"\n'
    )
    async with gateway(database_url, tmp_path, worker=False, prices_file=prices) as gate:
        key = await gate.member()
        found = (await fetch(gate, key, "models")).json()["data"]
        priced = {each["id"]: len(each["prices"]) for each in found}
        assert priced == {model: 3 if model == "ray-v2" else 0 for model in BUILT_IN.enabled}
        problem(await post(gate, key, "/estimate", asked()), 422, "price_unknown")


async def test_usage_sums_up_days_models_and_states(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    clock.at = datetime(2026, 3, 1, 23, 59, 30, tzinfo=UTC)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        ada, bob = await gate.member("ada"), await gate.member("bob")
        boss = await gate.member("boss", role=Role.ADMIN)
        canceled = (await create(gate, ada)).json()["id"]
        await post(gate, ada, f"/{canceled}/cancel")
        await create(gate, ada)
        clock.move(60)
        await create(gate, ada, asked(model="ray-v2"))
        await create(gate, bob)
        found = (await fetch(gate, ada, "usage")).json()
        rows = [
            (row["day"], row["model"], row["state"], row["generations"], row["held_credits"])
            for row in found["data"]
        ]
        assert rows == [
            ("2026-03-01", "ray-v3", "canceled", 1, 0),
            ("2026-03-01", "ray-v3", "queued", 1, 150_000),
            ("2026-03-02", "ray-v2", "queued", 1, 150_000),
        ]
        assert (found["generations"], found["held_credits"]) == (3, 300_000)
        assert (found["from_day"], found["to_day"]) == ("2026-02-01", "2026-03-02")
        assert (found["time_zone"], found["group_by"]) == ("UTC", ["day", "model", "state"])
        later = (await fetch(gate, ada, "usage?from=2026-03-02&to=2026-03-02")).json()
        assert later["generations"] == 1
        team = (await fetch(gate, boss, "usage?scope=team&group_by=day&group_by=member")).json()
        assert (team["generations"], len({row["member_id"] for row in team["data"]})) == (4, 2)
        assert (await fetch(gate, boss, "usage")).json()["generations"] == 0
        problem(await fetch(gate, ada, "usage?scope=team"), 403, "permission_denied")


async def test_usage_is_csv_where_that_is_asked_for(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await create(still_gate, key)
    plain = (await fetch(still_gate, key, "usage")).json()["data"]
    for answer in (
        await fetch(still_gate, key, "usage?format=csv"),
        await fetch(still_gate, key, "usage", Accept="text/csv"),
    ):
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="usage-')
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert rows == [
            {name: str(value) for name, value in row.items() if value is not None} for row in plain
        ]
    for accept in ("*/*", "application/json, text/csv;q=0.1"):
        answer = await fetch(still_gate, key, "usage", Accept=accept)
        assert answer.headers["Content-Type"] == "application/json"
    stated = await fetch(still_gate, key, "usage?format=json", Accept="text/csv")
    assert stated.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-02-30", "from=2026-03-02&to=2026-03-01",
     "from=2023-03-01&to=2026-03-02", "format=xml", "scope=all"],
)  # fmt: skip
async def test_a_range_that_is_none_is_refused(still_gate: Gateway, query: str) -> None:
    key = await still_gate.member()
    refused = problem(await fetch(still_gate, key, f"usage?{query}"), 422, "invalid_request")
    assert refused["errors"][0]["field"] == query.partition("=")[0]


async def test_days_at_the_ends_of_time_are_no_fault(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for query in (
        "from=0001-01-01&to=0001-01-02",
        "to=0001-01-01",
        "from=9999-12-31&to=9999-12-31",
    ):
        answer = await fetch(still_gate, key, f"usage?{query}")
        assert answer.status_code == 200, (query, answer.text)
        assert answer.json()["data"] == []


async def test_an_account_without_a_limit_is_shown_and_binds_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await create(still_gate, key)
    own, mine, team = (await fetch(still_gate, key, "me")).json()["credits"]["accounts"]
    assert (own["credit_limit"], team["credit_limit"]) == (None, None)
    assert {own["used_credits"], mine["used_credits"], team["used_credits"]} == {150_000}
    assert (await fetch(still_gate, key, "me")).json()["team"]["name"] == TEAM
