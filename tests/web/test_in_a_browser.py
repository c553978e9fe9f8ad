"""A person in Chromium, at a gateway that `reelgate up` has just started for the first time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.web import built
from tests.harness.browser import browsing
from tests.harness.database import open_folder
from tests.harness.processes import Api, ending_processes

SCRIPT = Path(__file__).with_name("pages.mjs")
QUICK = {
    "REELGATE_PORT": "0", "REELGATE_SIMULATOR_PORT": "0", "REELGATE_SIMULATOR_SPEED": "100000",
}  # fmt: skip


@pytest.fixture
def started() -> Iterator[Api]:
    assert built.load(built.FOLDER), "The pages are not built: `make pages`."
    with open_folder() as folder, ending_processes() as processes:
        api = Api("up", folder=folder, name="up", settings=QUICK)
        processes.append(api)
        yield api.ready()
        # Gently, so that its Postgres ends with it.
        api.interrupt()
        api.exit_code()


def test_a_person_signs_in_watches_and_deletes(started: Api, tmp_path: Path) -> None:
    link = re.search(r"http://\S+/app/sign-in#rg_link_\S+", started.printed)
    key = re.search(r"^ +(rg_\S+)$", started.printed, re.MULTILINE)
    assert link
    assert key
    headers = {"API-KEY": key[1]}
    wanted = {
        "feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a paper boat", "duration": "5s",
        "resolution": "720p", "aspect_ratio": "16:9",
    }  # fmt: skip
    with browsing(tmp_path, SCRIPT, started.address, link[0], key[1]) as script:
        # The link's secret is no longer in the address.
        assert script.step("linked") == {"address": "/app/desk", "role": 1}
        script.step("empty")
        made = started.http.post("/api/v1/generations", json=wanted, headers=headers)
        assert made.status_code == 202
        assert script.step("arrived") is True
        assert script.step("kept") is True
        assert script.step("plays") == pytest.approx(5, abs=0.5)
        assert script.step("shared") == [200, 404]
        script.step("deleted")
        found = started.http.get(f"/api/v1/generations/{made.json()['id']}", headers=headers)
        assert found.json()["video"]["state"] == "deleted"
        # What a person chose stays, whatever the system says.
        assert script.step("deeds") == {"dark": "rgb(16, 18, 22)", "light": "rgb(255, 255, 255)"}
        unknown = started.http.get("/api/v1/admin/unknown", headers=headers)
        assert unknown.json()["data"] == []
        script.step("out")
        assert script.step("in") == "/app/videos?state=canceled"
        assert script.step("below") == "/app/me"
        script.ends_well()
