"""The desk's pages of money, upstream, catalogue and teams in Chromium: an operator, then the
administrator of a team."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from app.domain.caller import Role
from app.web import built
from app.worker import upkeep
from tests.api.desk import Desk
from tests.harness.browser import browsing
from tests.harness.gateway import gateway
from tests.harness.sockets import listening
from tests.harness.traces import execute, one
from tests.worker.test_watermarks import PRICE

SCRIPT = Path(__file__).with_name("money.mjs")
SETTINGS: dict[str, Any] = {
    "money_per_1000_credits": "0.35 EUR", "upstream_reserve_credits": 1000,
    "upstream_rate_per_minute": 180,
}  # fmt: skip
VIDEO = {
    "feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a paper boat", "duration": "5s",
    "metadata": {"cost_centre": "4711"},
}  # fmt: skip


async def test_an_operator_and_an_administrator_at_the_desk(
    database_url: str, tmp_path: Path
) -> None:
    assert built.load(built.FOLDER), "The pages are not built: `make pages`."
    async with gateway(database_url, tmp_path, **SETTINGS) as gate, listening(gate) as http:
        keys = {
            "root": await gate.member("root", team="default", role=Role.ADMIN),
            "ada": await gate.member("ada", team="films"),
            "lead": await gate.member("lead", team="films", role=Role.ADMIN),
        }
        root = Desk(gate, keys["root"])
        for who in ("ada", "root"):
            made = await Desk(gate, keys[who])("POST", "/api/v1/generations", VIDEO)
            assert made.status_code == 202, made.text
            await gate.archived(made.json()["id"])
        # A team of last year, of which a month is closed.
        await execute(gate, "UPDATE teams SET created_at = '2020-01-05' WHERE name = 'films'")
        team = (await one(gate, "SELECT id::text FROM teams WHERE name = 'films'"))["id"]
        limit = {"credit_limit": 3_000_000, "credit_period": "month", "reason": "odd"}
        changed = await root("PATCH", f"/api/v1/admin/teams/{team}", limit)
        assert changed.status_code == 200, changed.text
        closed = await root("POST", f"/api/v1/admin/teams/{team}/statements", {"month": "2020-01"})
        assert closed.status_code == 201, closed.text
        address = str(http.base_url).rstrip("/")
        with browsing(tmp_path, SCRIPT, address, keys["root"], keys["lead"], team) as script:

            async def step(name: str) -> Any:
                return await asyncio.to_thread(script.step, name)

            await step("asked for a test")
            await upkeep.one_round(gate.worker)
            await step("upstream")
            assert await step("catalogue") == "/app/desk/catalogue?show=disabled"
            head, row = (await step("csv")).strip().splitlines()
            assert head == "metadata[cost_centre],generations,settled_credits,held_credits"
            assert row == f"4711,1,{PRICE},0"
            statement = await step("statement")
            assert statement == f"/app/desk/money?view=statements&team={team}&month=2020-01"
            assert "Upstream" in await step("team")
            links = (await step("lead")).split()
            assert {"Money", "Teams"} <= set(links)
            assert not {"Upstream", "Catalogue", "Controls"} & set(links)
            assert await step("no choice") == 0
            assert await step("no closing") == 0
            await asyncio.to_thread(script.ends_well)
        ended = await one(gate, "SELECT ended_at IS NOT NULL AS ended FROM members"
                                " WHERE name = 'ada'")  # fmt: skip
        assert ended == {"ended": True}
