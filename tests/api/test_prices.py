"""Prices over the API: set, announced, listed and withdrawn by operators, and seen by everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.billing import prices
from tests.api.desk import Desk, operator
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway

PATH = "/api/v1/admin/prices"
RAY = {"model": "ray-v3"}
LION = {"feature": "TEXT_TO_VIDEO", "prompt": "a lion", "model": "ray-v3", "duration": "5s"}
START = datetime(2026, 3, 30, 12, tzinfo=UTC)
JULY = "2026-07-01T00:00:00Z"


async def put(desk: Desk, **fields: Any) -> dict[str, Any]:
    made = await desk("POST", PATH, {"match": RAY, "credits": 7, "reason": "odd", **fields})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_a_price_is_announced_and_then_charged(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    clock.at = START
    rates: dict[str, Any] = {"money_per_1000_credits": f"0.35 EUR, 0.40 EUR from {JULY}"}
    async with gateway(database_url, tmp_path, worker=False, clock=clock, **rates) as gate:
        root, own = await operator(gate), Desk(gate, await gate.member())
        price = await put(root, credits=1500, effective_at=JULY)
        assert (price["state"], price["effective_at"]) == ("upcoming", JULY)
        estimate = (await own("POST", "/api/v1/generations/estimate", LION)).json()
        assert (estimate["quote_credits"], estimate["price"]) == (150_000, "default")
        assert estimate["quote_money"] == {"amount": "52.50", "currency": "EUR"}
        assert estimate["price_change"] == {"effective_at": JULY, "credits": 1500}
        clock.at = datetime(2026, 7, 1, tzinfo=UTC)
        estimate = (await own("POST", "/api/v1/generations/estimate", LION)).json()
        assert (estimate["quote_credits"], estimate["price"]) == (1500, price["id"])
        assert estimate["quote_money"] == {"amount": "0.60", "currency": "EUR"}
        assert estimate["price_change"] is None
        models = {m["id"]: m for m in (await own("GET", "/api/v1/models")).json()["data"]}
        assert {(p["credits"], p["price"]) for p in models["ray-v3"]["prices"]} == {
            (1500, price["id"])
        }
        assert {(p["credits"], p["price"]) for p in models["ray-v2"]["prices"]} == {
            (150_000, "default")
        }
        made = (await own("POST", "/api/v1/generations", LION)).json()
        assert (made["quote_credits"], made["price"]) == (1500, price["id"])
        # It keeps its price.
        clock.move(1)
        await put(root, credits=9)
        seen = (await own("GET", f"/api/v1/generations/{made['id']}")).json()
        assert (seen["quote_credits"], seen["price"]) == (1500, price["id"])
        account = (await own("GET", "/api/v1/me")).json()["credits"]["binding"]
        assert account["used_money"] == {"amount": "0.60", "currency": "EUR"}
        assert account["remaining_credits"] == 14_998_500
        assert account["remaining_money"] == {"amount": "5999.40", "currency": "EUR"}


async def test_states_and_pages_of_the_list(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    clock.at = START
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        root = await operator(gate)
        first = await put(root)
        clock.move(1)
        second = await put(root, credits=8)
        clock.move(1)
        third = await put(root, effective_at=JULY)
        gone = await put(root, credits=5, match={**RAY, "loop": True}, effective_at=JULY)
        withdrawn = await root("POST", f"{PATH}/{gone['id']}/withdraw", {"reason": "a mistake"})
        assert withdrawn.json()["withdrawal"] == {
            "at": "2026-03-30T12:00:02Z", "reason": "a mistake", "actor": "default/root",
        }  # fmt: skip
        found = (await root("GET", PATH)).json()["data"]
        assert {p["id"]: p["state"] for p in found} == {
            first["id"]: "past", second["id"]: "current", third["id"]: "upcoming",
            gone["id"]: "withdrawn",
        }  # fmt: skip
        assert next(p["ended_at"] for p in found if p["id"] == first["id"]) == (
            "2026-03-30T12:00:01Z"
        )
        paged, cursor = [], ""
        while True:
            page = (await root("GET", f"{PATH}?limit=1{cursor}")).json()
            paged += page["data"]
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert paged == found
        for state, price in (("past", first), ("current", second), ("upcoming", third)):
            only = (await root("GET", f"{PATH}?state={state}")).json()["data"]
            assert [p["id"] for p in only] == [price["id"]]
        lines = (await root("GET", "/api/v1/admin/audit?action=price")).json()["data"]
        assert [(line["action"], line["subject"]) for line in lines] == [
            ("price.withdraw", gone["id"]), ("price.set", gone["id"]), ("price.set", third["id"]),
            ("price.set", second["id"]), ("price.set", first["id"]),
        ]  # fmt: skip
        assert lines[0]["detail"]["reason"] == "a mistake"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"match": {}}, "match.model", "this field is required"),
        ({"match": {"model": "ray-v9"}}, "match.model", "must be one of ray-v1"),
        ({"match": {"model": ["ray-v3"]}}, "match.model", "must be one of ray-v1"),
        ({"match": {**RAY, "prompt": "a lion"}}, "match.prompt", "allowed fields are model"),
        ({"match": {**RAY, "duration": "7s"}}, "match.duration", "must be one of 5s, 10s"),
        ({"match": {**RAY, "loop": 1}}, "match.loop", "must be true or false"),
        ({"match": {**RAY, "seed\x00": "1"}}, "match.seed\\u0000", "unknown field"),
        ({"credits": 0}, "credits", "1"),
        ({"credits": prices.MAX_PRICE + 1}, "credits", str(prices.MAX_PRICE)),
        ({"credits": "7"}, "credits", "whole number"),
        ({"effective_at": "2020-01-01T00:00:00Z"}, "effective_at", "must not be in the past"),
        ({"effective_at": "2926-01-01T00:00:00Z"}, "effective_at", "within a hundred years"),
        ({"effective_at": "2040-01-01T00:00:00"}, "effective_at", "an offset from UTC"),
        ({"reason": ""}, "reason", "1"),
        ({"credits": None, "match": {**RAY, "loop": False}}, "match", "could end"),
        ({"match": {**RAY, "duration": "5s"}}, "match", "would have as many values"),
    ],
)
async def test_what_cannot_be_set(
    still_gate: Gateway, changes: dict[str, Any], field: str, said: str
) -> None:
    root = await operator(still_gate)
    await put(root)
    await put(root, match={**RAY, "resolution": "1080p"})
    refused = await root("POST", PATH, {"match": RAY, "credits": 7, "reason": "odd", **changes})
    problem = refused.json()
    assert refused.status_code == 422
    assert [issue["field"] for issue in problem["errors"]] == [field]
    assert said in problem["errors"][0]["message"]
    assert len((await root("GET", PATH)).json()["data"]) == 2


async def test_an_instant_has_one_price_of_a_match(still_gate: Gateway) -> None:
    root = await operator(still_gate)
    await put(root, effective_at="2040-01-01T00:00:00Z")
    again = await root(
        "POST", PATH,
        {"match": RAY, "credits": 8, "effective_at": "2040-01-01T01:00:00+01:00", "reason": "x"},
    )  # fmt: skip
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "effective_at")


async def test_only_an_upcoming_price_is_withdrawn(still_gate: Gateway) -> None:
    root = await operator(still_gate)
    current = await put(root)
    for _ in range(2):
        soon = datetime.now(UTC) + timedelta(days=1)
        coming = await put(root, effective_at=soon.isoformat())
        first = await root("POST", f"{PATH}/{coming['id']}/withdraw", {"reason": "x"})
        assert (first.status_code, first.json()["state"]) == (200, "withdrawn")
        again = await root("POST", f"{PATH}/{coming['id']}/withdraw", {"reason": "x"})
        assert (again.status_code, "is withdrawn" in again.json()["detail"]) == (422, True)
    begun = await root("POST", f"{PATH}/{current['id']}/withdraw", {"reason": "x"})
    assert (begun.status_code, "is current" in begun.json()["detail"]) == (422, True)
    unknown = await root("POST", f"{PATH}/{uuid4()}/withdraw", {"reason": "x"})
    assert unknown.status_code == 404


async def test_an_end_that_keeps_two_prices_apart_is_not_withdrawn(still_gate: Gateway) -> None:
    root = await operator(still_gate)
    short, sharp = {**RAY, "duration": "5s"}, {**RAY, "resolution": "1080p"}
    await put(root, match=short)
    end = await put(root, match=short, credits=None, effective_at="2040-01-01T00:00:00Z")
    await put(root, match=sharp, effective_at="2041-01-01T00:00:00Z")
    refused = await root("POST", f"{PATH}/{end['id']}/withdraw", {"reason": "x"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "match")
    # Before that end they would count together.
    early = {"match": sharp, "credits": 7, "reason": "x", "effective_at": "2039-01-01T00:00:00Z"}
    assert (await root("POST", PATH, early)).status_code == 422


async def test_there_is_a_most_of_them(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await operator(still_gate)
    monkeypatch.setattr(prices, "MAX_PRICES", 2)
    await put(root)
    await put(root, match={"model": "ray-v2"})
    refused = await root("POST", PATH, {"match": {"model": "ray-v1"}, "credits": 7, "reason": "x"})
    assert (refused.status_code, "which is the limit" in refused.json()["detail"]) == (422, True)
