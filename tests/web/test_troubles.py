"""An open page while the gateway restarts, the session ends, and the member is suspended."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from app.domain.caller import Status
from app.members import members
from app.runtime import open_runtime
from tests.harness.actors import TESTER
from tests.harness.browser import browsing
from tests.harness.gateway import settings_for
from tests.harness.wheel import Installed
from tests.promises.site import Caller, site

SCRIPT = Path(__file__).with_name("troubles.mjs")
#: The gateway comes back at the same address, so each test process has a loopback address of its
#: own.
HOST = ".".join(map(str, (127, 64 | os.getpid() >> 16, os.getpid() >> 8 & 255, os.getpid() & 255)))


async def _suspend(database_url: str, folder: Path) -> None:
    async with open_runtime(settings_for(database_url, folder)) as rt:
        await members.change_member(rt, "studio", "ada", status=Status.SUSPENDED, actor=TESTER)


def _sign_out_everywhere(caller: Caller) -> None:
    for each in caller.get("/api/v1/sessions").json()["data"]:
        ended = caller.http.delete(
            f"/api/v1/sessions/{each['id']}", headers={"API-KEY": caller.key}
        )
        assert ended.status_code == 204


def test_an_open_page_survives_what_happens_to_it(
    database_url: str, tmp_path: Path, package: Installed
) -> None:
    with site(
        database_url, tmp_path / "site", package.reelgate, REELGATE_HOST=HOST,
        REELGATE_PORT="8080",
    ) as place:  # fmt: skip
        place.worker()
        api = place.start_api().ready()
        ada = place.caller(api, "ada")
        browser = tmp_path / "browser"
        browser.mkdir()
        with browsing(browser, SCRIPT, api.address, ada.key) as script:
            script.step("signed in")
            api.kill()
            script.step("not live")
            api = place.start_api().ready()
            ada = ada.at(api)
            made = ada.create("made meanwhile")
            script.step("live again")
            ada.create("made afterwards")
            # Nobody has reloaded the page.
            assert script.step("heard") is True
            ada.until_archived(made)
            script.step("at usage")
            _sign_out_everywhere(ada)
            # Something happens, so that the page asks.
            ada.create("made at last")
            assert script.step("back") == "/app/usage"
            asyncio.run(_suspend(database_url, tmp_path / "site"))
            found = script.step("suspended")
            assert found["seconds"] == pytest.approx(5, abs=0.5)
            assert found["refused"] == [403, "suspended"]
            script.ends_well()
