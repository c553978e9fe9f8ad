"""The code that the playground shows, run as a reader runs it: what it makes is what the form asks.

`tests/web/golden/models.json` is the list of models that the code is generated from, and the other
files there have a request and, behind dashes, its code in each API. The tests of the pages write
these with REWRITE_GOLDEN=1 (`npm test` in `web/`), and this one the list.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.domain.limits import Limits
from tests.harness.gateway import Gateway
from tests.harness.pictures import picture
from tests.harness.processes import Api, environment
from tests.harness.toolchains import program, python_with
from tests.promises.site import Caller, Site

GOLDEN = Path(__file__).parent / "golden"
MODELS = GOLDEN / "models.json"
#: What the requests there have in place of an address and of an uploaded image.
ORIGIN = "https://video.example.com"
IMAGE = "11111111-2222-4333-8444-555555555555"
USED = ("ray-v3", "ray-v2-image", "kling-2.5", "kling-1.6", "hailuo-01")
#: The environment that each one needs, if it is one of an SDK.
SDKS = {"openai": "openai-3", "lumaai": "luma", "openrouter": "openrouter"}
#: What an API cannot say and leaves open: its own page says so.
UNSAID = {"openrouter": {"loop"}}


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and its code by the names of the tabs."""

    asked: dict[str, Any]
    code: dict[str, str]


def _case(name: str) -> Case:
    asked, *parts = re.split(r"^----- (\w+)\n", (GOLDEN / f"{name}.txt").read_text(), flags=re.M)
    return Case(json.loads(asked), dict(zip(parts[::2], parts[1::2], strict=True)))


CASES = sorted(path.stem for path in GOLDEN.glob("*.txt"))
PROGRAMS = [(name, tab) for name in CASES for tab in _case(name).code]


async def test_the_code_is_made_from_what_the_gateway_lists(still_gate: Gateway) -> None:
    headers = {"API-KEY": await still_gate.member()}
    listed = (await still_gate.http.get("/api/v1/models", headers=headers)).json()["data"]
    # What changes with the past and with prices is in no code.
    used = [model for model in listed if model["id"] in USED]
    found = [{**model, "prices": [], "expected": None} for model in used]
    if os.environ.get("REWRITE_GOLDEN"):
        MODELS.write_text(json.dumps(found, indent=1) + "\n")
    assert json.loads(MODELS.read_text()) == found


def test_every_api_is_shown_where_it_can_say_the_request() -> None:
    tabs = {name: set(_case(name).code) for name in CASES}
    plain = {"curl", "fetch", "requests", "rest"}
    assert tabs == {
        "luma": plain | SDKS.keys(),
        # The SDK of OpenRouter knows neither a loop nor tags.
        "luma-image": plain | SDKS.keys() - {"openrouter"},
        "kling": plain | SDKS.keys() - {"openrouter"},
        # No other API has a mode, or a longer prompt.
        "kling-pro": plain,
        "hailuo": plain | SDKS.keys(),
    }


def _command(tab: str, code: str, folder: Path) -> list[str]:
    kinds = {"curl": "sh", "rest": "sh", "fetch": "mjs"}
    file = folder / f"program.{kinds.get(tab, 'py')}"
    file.write_text(code)
    if file.suffix == ".sh":
        return [str(program("sh")), str(file)]
    if file.suffix == ".mjs":
        return [str(program("node")), str(file)]
    python = python_with(SDKS[tab]) if tab in SDKS else sys.executable
    return [str(python), str(file)]


def _newest(caller: Caller) -> dict[str, Any]:
    """The only one that this member has."""
    (found,) = caller.get("/api/v1/generations").json()["data"]
    return dict(found)


@pytest.mark.parametrize(("name", "tab"), PROGRAMS)
def test_code_makes_what_the_form_asks(
    name: str, tab: str, place: Site, api: Api, tmp_path: Path
) -> None:
    case = _case(name)
    limits = Limits(credit_limit=10**9, rate_burst=100, max_open=100)
    caller = place.caller(api, f"{name} {tab}", limits=limits)
    uploaded = api.http.post(
        "/api/v1/inputs", headers={"API-KEY": caller.key},
        files={"file": ("first.png", picture("PNG", (640, 360)))},
    ).json()["id"]  # fmt: skip
    code = case.code[tab].replace(ORIGIN, api.address).replace(IMAGE, uploaded)
    assert "rg_" not in code
    command = _command(tab, code, tmp_path)
    told = environment(tmp_path, {"REELGATE_KEY": caller.key})
    done = subprocess.run(
        command, cwd=tmp_path, env=told, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = _newest(caller)
    asked = {key: uploaded if value == IMAGE else value for key, value in case.asked.items()}
    for field in ("user", "metadata"):
        assert made[field] == asked.pop(field, None if field == "user" else {})
    assert made["feature"] == asked.pop("feature")
    unsaid = UNSAID.get(tab, set())
    spec = {key: value for key, value in made["spec"].items() if value is not None}
    expected = {key: value for key, value in asked.items() if key not in unsaid}
    filled = set(spec) - set(expected)
    assert {key: value for key, value in spec.items() if key not in filled} == expected
    # What the form leaves open stays open where the API can say so.
    assert filled <= (set(_left_open(case.asked)) if tab in SDKS else set())
    if tab != "rest":
        assert made["state"] == "succeeded", made
        assert made["id"].replace("-", "") in done.stdout.replace("-", "")
    if tab in SDKS:
        assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"


def _left_open(asked: dict[str, Any]) -> list[str]:
    (model,) = [each for each in json.loads(MODELS.read_text()) if each["id"] == asked["model"]]
    return [option["name"] for option in model["options"] if option["name"] not in asked]
