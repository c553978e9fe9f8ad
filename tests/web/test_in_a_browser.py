"""A person in Chromium, at a gateway that `reelgate up` has just started for the first time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.browser import browsing
from tests.harness.wheel import Installed
from tests.web.first_start import first_start

SCRIPT = Path(__file__).with_name("pages.mjs")


def test_a_person_signs_in_watches_and_deletes(package: Installed, tmp_path: Path) -> None:
    wanted = {
        "feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a paper boat", "duration": "5s",
        "resolution": "720p", "aspect_ratio": "16:9",
    }  # fmt: skip
    with (
        first_start(package) as started,
        browsing(tmp_path, SCRIPT, started.api.address, started.link, started.key) as script,
    ):
        calls = started.calls()
        # The link's secret is no longer in the address.
        assert script.step("linked") == {"address": "/app/desk", "role": 1}
        script.step("empty")
        made = calls.post("/generations", wanted)
        assert script.step("arrived") is True
        assert script.step("kept") is True
        assert script.step("plays") == pytest.approx(5, abs=0.5)
        assert script.step("shared") == [200, 404]
        script.step("deleted")
        assert calls.get(f"/generations/{made['id']}")["video"]["state"] == "deleted"
        # What a person chose stays, whatever the system says.
        assert script.step("deeds") == {"dark": "rgb(16, 18, 22)", "light": "rgb(255, 255, 255)"}
        assert calls.get("/admin/unknown")["data"] == []
        assert script.step("out") == "/app/sign-in"
        assert script.step("in") == "/app/videos?state=canceled"
        assert script.step("below") == "/app/me"
        script.ends_well()
