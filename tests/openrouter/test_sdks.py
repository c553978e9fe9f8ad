"""OpenRouter's own SDKs and its provider for the AI SDK, as programs of their own that know nothing
of the gateway but an address and a key, at real processes: API, worker and upstream."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.limits import Limits
from tests.harness import database
from tests.harness.processes import Api, environment
from tests.harness.sockets import kept_port
from tests.harness.toolchains import node_with, python_with
from tests.openrouter.calling import BASE
from tests.promises.site import PRICE, Caller, Site, site

PROGRAMS = Path(__file__).parent / "programs"
#: Of the gateway, in its links.
NAME = "reelgate.test"


@dataclass(frozen=True, slots=True)
class Studio:
    """One gateway for all programs; each has members of its own."""

    site: Site
    api: Api

    def member(self, name: str, **limits: Any) -> Caller:
        return self.site.caller(self.api, name, limits=Limits(**limits))

    def run(self, program: str, folder: Path, caller: Caller, **more: str) -> Any:
        """The JSON that one of our programs prints."""
        base = f"{self.api.address}{BASE}"
        told = {"BASE_URL": base, "OPENROUTER_API_KEY": caller.key, "NAME": NAME, **more}
        done = subprocess.run(
            command(program, folder), cwd=folder, env=environment(folder, told),
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def limited(self, name: str) -> dict[str, str]:
        """Members at their limits: one has no credits, the other may create nothing for an hour."""
        poor = self.member(f"{name} poor", credit_limit=PRICE - 1)
        busy = self.member(f"{name} busy")
        self.site.use_up_rate(f"{name} busy")
        return {"POOR_KEY": poor.key, "BUSY_KEY": busy.key}


def command(program: str, folder: Path, *, lock: str = "openrouter") -> list[str]:
    """That runs one of our programs in this folder."""
    text = (PROGRAMS / program).read_text()
    if program.endswith(".mjs"):
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(node_with(lock) / "node_modules")
        script, runs = folder / "program.mjs", "node"
    else:
        script, runs = folder / "program.py", str(python_with(lock))
    script.write_text(text)
    return [runs, str(script)]


@pytest.fixture(scope="module")
def studio(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("router")) as place:
        api = place.start_api()
        place.worker()
        yield Studio(place, api.ready())


def _of_user(caller: Caller, user: str) -> dict[str, Any]:
    [only] = caller.get(f"/api/v1/generations?user={user}").json()["data"]
    found: dict[str, Any] = only
    return found


def test_the_sdk_for_python(studio: Studio, tmp_path: Path) -> None:
    caller = studio.member("python")
    found = studio.run("sdk.txt", tmp_path, caller, **studio.limited("python"))
    assert found.pop("refused") == {
        "frame": ["BadRequestResponseError", 400, "invalid_request"],
        "seed": ["BadRequestResponseError", 400, "not_offered"],
        "duration": ["BadRequestResponseError", 400, "invalid_request"],
        "model": ["BadRequestResponseError", 400, "invalid_request"],
        "unknown": ["NotFoundResponseError", 404, "not_found"],
        "index": ["NotFoundResponseError", 404, "not_found"],
        "failed": ["ConflictResponseError", 409, "not_ready"],
        "key": ["UnauthorizedResponseError", 401, "unauthenticated"],
        "credits": ["PaymentRequiredResponseError", 402, "insufficient_credits"],
        "limit": ["TooManyRequestsResponseError", 429, "rate_limited"],
    }
    assert found == {
        "durations": [5, 10],
        "seed": False,
        "price": str(PRICE),
        "accepted": ["pending", True],
        "state": ["completed", True, False, True],
        "video": "ftyp",
        "urls": [True, True],
        "failed": ["failed", True],
    }
    made = _of_user(caller, "reader-1")
    assert made["metadata"] == {"trace_name": "advert", "session_id": "s-1"}
    assert studio.site.upstream.counts("sdk openrouter 0")["submitted"] == 1


def test_the_sdk_for_node(studio: Studio, tmp_path: Path) -> None:
    caller = studio.member("node")
    found = studio.run("sdk.mjs", tmp_path, caller, **studio.limited("node"))
    assert found.pop("refused") == {
        "seed": ["BadRequestResponseError", 400, "not_offered"],
        "size": ["BadRequestResponseError", 400, "invalid_request"],
        "unknown": ["NotFoundResponseError", 404, "not_found"],
        "key": ["UnauthorizedResponseError", 401, "unauthenticated"],
        "credits": ["PaymentRequiredResponseError", 402, "insufficient_credits"],
        "limit": ["TooManyRequestsResponseError", 429, "rate_limited"],
    }
    assert found == {
        "durations": [5, 10],
        "seed": False,
        "accepted": ["pending", True],
        "state": ["completed", True, False],
        "video": "ftyp",
        "urls": [True],
    }
    assert _of_user(caller, "reader-2")["spec"]["aspect_ratio"] == "1:1"


def test_the_provider_for_the_ai_sdk(studio: Studio, tmp_path: Path) -> None:
    """It hands on the links of the video, and the AI SDK downloads them without a key."""
    caller = studio.member("ai")
    with kept_port() as port:
        named = studio.site.start_api(
            REELGATE_PORT=str(port), REELGATE_PUBLIC_URL=f"http://{NAME}:{port}"
        ).ready()
        found = replace(studio, api=named).run("ai_sdk.mjs", tmp_path, caller)
    refused = found.pop("refused")
    assert found == {
        "video": "ftyp", "kind": "video/mp4", "id": "string", "creates": 1, "begun": "ftyp",
    }  # fmt: skip
    assert _of_user(caller, "reader-4")["spec"]["model"] == "ray-v3-image"
    spec = _of_user(caller, "reader-3")["spec"]
    assert (spec["resolution"], spec["loop"]) == ("720p", True)
    kind, status, message, creates = refused["seed"]
    assert (kind, status, creates) == ("AI_APICallError", 400, 1)
    assert message.startswith("seed: this model has no such option; leave it out")
    assert refused["failed"][0] == "AI_APICallError"
    assert refused["failed"][3] == 1
