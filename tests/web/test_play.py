"""The playground in Chromium: by keyboard, with an image, and what it does where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.limits import Limits
from tests.harness.browser import browsing
from tests.harness.processes import Api
from tests.promises.site import PRICE, Caller, Site

SCRIPT = Path(__file__).with_name("play.mjs")


def _made(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/api/v1/generations").json()["data"]
    return found


def test_a_person_makes_videos(place: Site, api: Api, tmp_path: Path) -> None:
    caller = place.caller(api, "player", limits=Limits(credit_limit=100 * PRICE))
    poor = place.caller(api, "poor player", limits=Limits(credit_limit=1))
    with browsing(tmp_path, SCRIPT, api.address, caller.key, poor.key) as script:
        with place.upstream.frozen():
            asked = script.step("asked")
            assert asked.startswith("/app/play?model=ray-v2-flash&")
            assert "duration=10s" in asked
            # Pressed four times.
            assert script.step("guarded") == "true"
            assert len(_made(caller)) == 1
        assert script.step("plays") == [pytest.approx(10, abs=0.5), True]
        again, prompt = script.step("again")
        assert (again.startswith("/app/play?model=ray-v2-flash&"), prompt) == (True, "a paper boat")
        assert script.step("edited") == "a paper plane"
        assert script.step("barred") is True
        assert script.step("from an image") == 1
        newest, first = _made(caller)
        assert [newest["spec"]["model"], len(newest["inputs"])] == ["ray-v2-flash-image", 1]
        assert first["spec"]["prompt"] == "a paper boat"
        assert script.step("refused") == "The credit limit does not cover this request"
        assert _made(poor) == []
        script.ends_well()
