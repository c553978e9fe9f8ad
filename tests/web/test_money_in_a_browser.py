"""The desk's pages of money, upstream, catalogue and teams in Chromium: an operator, then the
administrator of a team."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from app.db.session import driver_conninfo
from app.domain.caller import Role
from tests.harness.browser import browsing
from tests.harness.wheel import Installed
from tests.promises.site import PRICE, UPSTREAM_KEYS, Caller, site

SCRIPT = Path(__file__).with_name("money.mjs")
SETTINGS = {
    "ONEMIN_API_KEY": f"key1={UPSTREAM_KEYS['key1']}",
    "REELGATE_MONEY_PER_1000_CREDITS": "0.35 EUR",
    "REELGATE_UPSTREAM_RESERVE_CREDITS": "1000",
    "REELGATE_UPSTREAM_RATE_PER_MINUTE": "180",
}
VIDEO = {
    "feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a paper boat", "duration": "5s",
    "metadata": {"cost_centre": "4711"},
}  # fmt: skip


def _send(caller: Caller, method: str, path: str, body: Any) -> Any:
    answer = caller.http.request(method, path, json=body, headers={"API-KEY": caller.key})
    assert answer.is_success, answer.text
    return answer.json()


def _of_last_year(database_url: str) -> str:
    """The id of the team films, of which a month can be closed."""
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as connection:
        found = connection.execute(
            "UPDATE teams SET created_at = '2020-01-05' WHERE name = 'films' RETURNING id::text"
        ).fetchone()
    assert found
    return str(found[0])


def test_an_operator_and_an_administrator_at_the_desk(
    database_url: str, tmp_path: Path, package: Installed
) -> None:
    with site(
        database_url, tmp_path / "site", package.reelgate, upstream=True, **SETTINGS
    ) as place:
        place.worker()
        api = place.start_api().ready()
        root = place.caller(api, "root", team="default", role=Role.ADMIN)
        ada = place.caller(api, "ada", team="films")
        lead = place.caller(api, "lead", team="films", role=Role.ADMIN)
        for caller in (ada, root):
            caller.until_archived(_send(caller, "POST", "/api/v1/generations", VIDEO)["id"])
        team = _of_last_year(database_url)
        limit = {"credit_limit": 3_000_000, "credit_period": "month", "reason": "odd"}
        _send(root, "PATCH", f"/api/v1/admin/teams/{team}", limit)
        _send(root, "POST", f"/api/v1/admin/teams/{team}/statements", {"month": "2020-01"})
        with browsing(tmp_path, SCRIPT, api.address, root.key, lead.key, team) as script:
            script.step("upstream")
            assert script.step("catalogue") == "/app/desk/catalogue?show=disabled"
            head, row = script.step("csv").strip().splitlines()
            assert head == "metadata[cost_centre],generations,settled_credits,held_credits"
            assert row == f"4711,1,{PRICE},0"
            statement = f"/app/desk/money?view=statements&team={team}&month=2020-01"
            assert script.step("statement") == statement
            assert "Upstream" in script.step("team")
            links = script.step("lead").split()
            assert {"Money", "Teams"} <= set(links)
            assert not {"Upstream", "Catalogue", "Controls"} & set(links)
            assert script.step("no choice") == 0
            assert script.step("no closing") == 0
            script.ends_well()
        with psycopg.connect(driver_conninfo(database_url)) as connection:
            ended = "SELECT ended_at IS NOT NULL FROM members WHERE name = 'ada'"
            assert connection.execute(ended).fetchone() == (True,)
