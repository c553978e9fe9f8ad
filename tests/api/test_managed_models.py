"""The whole catalogue over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.catalog.rules import Flagged
from tests.api.desk import Desk, operator
from tests.harness.gateway import gateway

CATALOG = """
[[model]]
id = "kling-1.0"
enabled = false
reason = "Switched off on a Monday."

[[model]]
id = "ray-v3"
retires_on = 2031-05-01
"""

PRICES = """
[[price]]
feature = "TEXT_TO_VIDEO"
provider = "luma"
model = "ray-v3"
duration = "5s"
credits = 150000
as_of = 2026-11-01
source = "a test"
"""


async def models(desk: Desk) -> dict[str, dict[str, Any]]:
    answer = await desk("GET", "/api/v1/admin/models")
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["data"]}


async def test_what_is_not_offered_is_listed_with_its_reason(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(CATALOG)
    async with gateway(database_url, tmp_path, worker=False, catalog_file=file) as gate:
        root = await operator(gate)
        found = await models(root)
        assert list(found) == list(gate.rt.catalog.models)
        off, on = found["kling-1.0"], found["ray-v3"]
        assert (off["enabled"], off["reason"]) == (False, "Switched off on a Monday.")
        assert (on["enabled"], on["reason"], on["retires_on"]) == (True, None, "2031-05-01")
        offered = (await root("GET", "/api/v1/models")).json()["data"]
        assert {each["id"] for each in offered} == {
            name for name, each in found.items() if each["enabled"]
        }
        # Both say the same of what both have.
        for each in offered:
            assert {**found[each["id"]], **each} == found[each["id"]]


async def test_what_has_no_price_is_named_until_it_has_one(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(PRICES)
    async with gateway(database_url, tmp_path, worker=False, prices_file=file) as gate:
        root = await operator(gate)
        found = await models(root)
        model, other = found["ray-v3"], found["kling-1.0"]
        assert {each["duration"] for each in model["prices"]} == {"5s"}
        assert {each["duration"] for each in model["unpriced"]} == {"10s"}
        assert other["prices"] == []
        assert other["unpriced"] != []
        # What is named is refused, and what is not is not.
        for duration, is_priced in (("5s", True), ("10s", False)):
            body = {"feature": "TEXT_TO_VIDEO", "prompt": "a wave", "model": "ray-v3"}
            asked = await root(
                "POST", "/api/v1/generations/estimate", {**body, "duration": duration}
            )
            assert (asked.status_code == 200) is is_priced, asked.text
        price = {"match": {"model": "ray-v3"}, "credits": 7, "reason": "the list of March"}
        assert (await root("POST", "/api/v1/admin/prices", price)).status_code == 201
        model = (await models(root))["ray-v3"]
        assert model["unpriced"] == []
        assert {each["credits"] for each in model["prices"]} == {7}


@pytest.mark.parametrize("flagged", list(Flagged))
async def test_what_flagged_rules_do_is_said(
    database_url: str, tmp_path: Path, flagged: Flagged
) -> None:
    async with gateway(database_url, tmp_path, worker=False, flagged_rules=flagged) as gate:
        root = await operator(gate)
        said = (await root("GET", "/api/v1/admin/models")).json()
        assert said["flagged_rules"] == flagged
        rules = [rule["flagged"] for model in said["data"] for rule in model["rules"]]
        assert any(rules) is (flagged is Flagged.WARN)
