"""Luma's own SDKs, as programs of their own that know nothing of the gateway but two variables, at
real processes: API, worker and upstream."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.domain.limits import Limits
from tests.harness import database
from tests.harness.pictures import picture
from tests.harness.processes import Api, environment
from tests.harness.toolchains import node_with, python_with
from tests.luma.swallowing import swallowing
from tests.promises.site import PRICE, Caller, Site, site

PROGRAMS = Path(__file__).parent / "programs"
#: Programs for other environments than that of the newest SDKs.
_LOCKS = {"first_sdk.txt": "luma-first", "generated.txt": "openapi-python-client"}


@dataclass(frozen=True, slots=True)
class Studio:
    """One gateway for all programs; each has a member of its own."""

    site: Site
    api: Api

    def member(self, name: str, **limits: Any) -> Caller:
        return self.site.caller(self.api, name, limits=Limits(**limits))

    def run(self, program: str, folder: Path, caller: Caller, *words: str, at: str = "",
            **more: str) -> str:  # fmt: skip
        """What one of our programs prints. `at`: the gateway, reached by another address."""
        text = (PROGRAMS / program).read_text()
        told = self._told(caller, at or self.api.address) | more
        lock = _LOCKS.get(program, "luma")
        return _run(text, folder, words, told, node=program.endswith(".mjs"), lock=lock)

    def _told(self, caller: Caller, base: str) -> dict[str, str]:
        """All that a program knows of the gateway."""
        return {
            "LUMAAI_BASE_URL": f"{base}/dream-machine/v1", "LUMAAI_API_KEY": caller.key,
            "LUMA_BASE_URL": f"{base}/luma/v1", "LUMA_AGENTS_API_KEY": caller.key,
        }  # fmt: skip


def _run(
    text: str,
    folder: Path,
    words: tuple[str, ...],
    told: dict[str, str],
    *,
    node: bool,
    lock: str = "luma",
) -> str:
    if node:
        script = folder / "program.mjs"
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(node_with(lock) / "node_modules")
        command = ["node", str(script)]
    else:
        script = folder / "program.py"
        command = [str(python_with(lock)), str(script)]
    script.write_text(text)
    done = subprocess.run(
        [*command, *words], cwd=folder, env=environment(folder, told), capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def studio(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("luma")) as place:
        api = place.start_api()
        place.worker()
        yield Studio(place, api.ready())


def _keys(studio: Studio, name: str) -> dict[str, str]:
    """Members at their limits: one has no credits, the other may create nothing for an hour."""
    poor = studio.member(f"{name} poor", credit_limit=PRICE - 1)
    busy = studio.member(f"{name} busy")
    studio.site.use_up_rate(f"{name} busy")
    image = base64.b64encode(picture("PNG", (640, 360))).decode()
    return {
        "POOR_KEY": poor.key, "BUSY_KEY": busy.key, "PICTURE": f"data:image/png;base64,{image}",
    }  # fmt: skip


def _of_user(caller: Caller, user: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = caller.get(f"/api/v1/generations?user={user}").json()["data"]
    return listed


def test_lumaai_for_python(studio: Studio, tmp_path: Path) -> None:
    caller = studio.member("dreamer", credit_limit=10 * PRICE)
    printed = studio.run("dream_machine.txt", tmp_path, caller, **_keys(studio, "dreamer"))
    found = json.loads(printed)
    assert found.pop("refused") == {
        "model": ["BadRequestError", 400, "invalid_request", 1],
        "keyframes": ["BadRequestError", 400, "invalid_request", 1],
        "last_keyframe": ["BadRequestError", 400, "not_offered", 1],
        "upscale": ["BadRequestError", 400, "not_offered", 1],
        "image": ["BadRequestError", 400, "not_offered", 1],
        "unknown": ["NotFoundError", 404, "not_found", 1],
        "key": ["AuthenticationError", 401, "unauthenticated", 1],
        "running": ["ConflictError", 409, "not_cancelable", 1],
        "credits": ["APIStatusError", 402, "insufficient_credits", 1],
        "limit": ["RateLimitError", 429, "rate_limited", 1],
    }
    assert found == {
        "ping": "pong",
        "before": 10.0 * PRICE,
        "adjusted": "duration=9s->10s, resolution=540p->720p",
        "request": ["RequestGenerationRequest", "10s", "720p"],
        "created_at": "datetime",
        "states": ["completed"] * 3,
        "video": "ftyp",
        "listed": True,
        "concepts": [],
        "deleted": None,
        "after": None,
        "pictured": "completed",
        "async": "completed",
    }
    [pictured] = [each for each in caller.get("/api/v1/generations?limit=100").json()["data"]
                  if each["spec"]["prompt"] == "sdk python pictured"]  # fmt: skip
    assert pictured["inputs"][0]["content_type"] == "image/png"
    [of_user] = _of_user(caller, "reader-1")
    assert of_user["spec"]["prompt"] == "sdk python 0"
    assert of_user["metadata"] == {"cost_centre": "4711"}
    for number in range(3):
        assert studio.site.upstream.counts(f"sdk python {number}")["submitted"] == 1


def test_the_first_lumaai_for_python(studio: Studio, tmp_path: Path) -> None:
    """It names no model, and creates on another path."""
    found = json.loads(studio.run("first_sdk.txt", tmp_path, studio.member("first")))
    assert found == {
        "ping": "pong",
        "motions": [],
        "made": ["completed", "ray-1-6", True],
        "listed": True,
        "deleted": None,
    }


def test_lumaai_for_node(studio: Studio, tmp_path: Path) -> None:
    caller = studio.member("node", credit_limit=10 * PRICE)
    found = json.loads(studio.run("dream_machine.mjs", tmp_path, caller, **_keys(studio, "node")))
    assert found.pop("refused") == {
        "model": ["BadRequestError", 400, "invalid_request", 1],
        "upscale": ["BadRequestError", 400, "not_offered", 1],
        "unknown": ["NotFoundError", 404, "not_found", 1],
        "key": ["AuthenticationError", 401, "unauthenticated", 1],
        "running": ["ConflictError", 409, "not_cancelable", 1],
        "credits": ["APIError", 402, "insufficient_credits", 1],
        "limit": ["RateLimitError", 429, "rate_limited", 1],
    }
    assert found == {
        "ping": "pong",
        "before": 10 * PRICE,
        "adjusted": "duration=9s->10s, resolution=540p->720p",
        "request": ["video", "10s", "720p"],
        "states": ["completed"] * 2,
        "video": "ftyp",
        "listed": True,
        "concepts": [],
        "after": False,
    }
    [of_user] = _of_user(caller, "reader-2")
    assert of_user["spec"]["prompt"] == "sdk node 0"
    assert of_user["metadata"] == {"cost_centre": "4711"}


def test_a_client_generated_from_the_document(studio: Studio, tmp_path: Path) -> None:
    """It fails at `assets` that are null: in the document, as in Luma's own, they are not."""
    name = "openapi-python-client"
    program = python_with(name).with_name(name)
    document = f"{studio.api.address}/dream-machine/v1/openapi.json"
    done = subprocess.run(
        [program, "generate", "--url", document, "--meta", "none", "--output-path", "dream"],
        cwd=tmp_path, env=environment(tmp_path, {"PATH": str(program.parent)}),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout
    caller = studio.member("generated")
    assert json.loads(studio.run("generated.txt", tmp_path, caller)) == {
        "before": True, "state": "completed", "video": True, "deleted": 204, "after": True,
    }  # fmt: skip
    assert len(_of_user(caller, "reader-3")) == 1


def test_luma_agents_for_python(studio: Studio, tmp_path: Path) -> None:
    caller = studio.member("agent")
    found = json.loads(studio.run("agents.txt", tmp_path, caller, **_keys(studio, "agent")))
    invalid = ["BadRequestError", 400, "invalid_request", "invalid_request", 1]
    assert found.pop("refused") == {
        "image": invalid,
        "start_frame": invalid,
        "end_frame": ["BadRequestError", 400, "not_offered", "invalid_request", 1],
        "ten_second_loop": invalid,
        "files": ["BadRequestError", 400, "not_offered", "invalid_request", 1],
        "unknown": ["NotFoundError", 404, "not_found", None, 1],
        "key": ["AuthenticationError", 401, "unauthenticated", None, 1],
        "credits": ["APIStatusError", 402, "insufficient_credits", "budget_exhausted", 1],
        "limit": ["RateLimitError", 429, "rate_limited", "rate_limited", 1],
    }
    assert found == {
        "adjusted": "video.resolution=360p->720p",
        "state": "completed",
        "output": ["video"],
        "video": "ftyp",
        "failed": ["generation_failed", True],
        "pictured": "completed",
    }


@pytest.mark.parametrize("holds", [True, False], ids=["late", "lost"])
@pytest.mark.parametrize(
    ("program", "api"),
    [("lost_answer.txt", "dream_machine"), ("lost_answer.txt", "agents"),
     ("lost_answer.mjs", "dream_machine")],
    ids=["lumaai python", "luma-agents python", "lumaai node"],
)  # fmt: skip
def test_a_create_whose_answer_is_lost_is_paid_once(
    studio: Studio, tmp_path: Path, program: str, api: str, holds: bool
) -> None:
    """The SDK sends it again by itself, without a key, and nobody notices."""
    prompt = f"a lost answer of {program} {api} {holds}"
    caller = studio.member(prompt)
    with swallowing(studio.api.address, holds=holds) as proxy:
        made = studio.run(program, tmp_path, caller, api, prompt, at=proxy.address).strip()
        assert proxy.connections > 1
    assert studio.site.upstream.counts(prompt) == {"submitted": 1, "made": 1, "billed": PRICE}
    listed = caller.get("/api/v1/generations").json()["data"]
    assert [each["id"] for each in listed] == [made]
    assert caller.me()["credits"]["binding"]["used_credits"] == PRICE
