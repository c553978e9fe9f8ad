"""The examples of docs/clients/openai.md, as they stand, against real processes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from app.domain.ids import parse_generation_id
from app.domain.limits import Limits
from tests.harness.films import probed
from tests.harness.processes import Api, environment
from tests.harness.toolchains import node_with, python_with
from tests.promises.site import Caller, Site
from tests.structure.documents import fences

PAGE = Path("docs/clients/openai.md")
PROMPT = "a paper boat on a rainy street"


@pytest.fixture(scope="module")
def caller(place: Site, api: Api) -> Caller:
    """A member whose like videos took no time: the SDK is told to ask again soon."""
    caller = place.caller(api, "reader", limits=Limits(rate_burst=100, max_open=100))
    for number in range(5):
        asked = {"prompt": f"before {number}", "seconds": "10", "size": "1280x720"}
        # Waited for in the call: a look at one would fix how long they take for some seconds.
        headers = {"Authorization": f"Bearer {caller.key}", "Prefer": "wait=25"}
        answer = api.http.post("/v1/videos", json=asked, headers=headers)
        assert answer.json()["status"] == "completed", answer.text
    return caller


def example(language: str) -> str:
    [found] = [text for kind, text in fences(PAGE) if kind == language]
    return found


def run(command: list[str], folder: Path, api: Api, caller: Caller) -> str:
    settings = {"OPENAI_BASE_URL": f"{api.address}/v1", "OPENAI_API_KEY": caller.key}
    done = subprocess.run(
        command, cwd=folder, env=environment(folder, settings), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def generation_of(printed: str) -> UUID:
    found = parse_generation_id(printed.split()[0])
    assert found is not None
    return found


def assert_made_once(caller: Caller, folder: Path, generation_id: UUID) -> None:
    video = folder / "boat.mp4"
    seen = probed(video)
    assert (seen.width, seen.height, round(seen.duration_seconds)) == (1280, 720, 10)
    spec = caller.generation(str(generation_id))["spec"]
    assert (spec["prompt"], spec["model"], spec["duration"]) == (PROMPT, "ray-v3", "10s")


@pytest.mark.parametrize("version", ["2", "3"])
def test_python(version: str, api: Api, caller: Caller, tmp_path: Path) -> None:
    """Twice: the key of the example makes it one video."""
    script = tmp_path / "example.py"
    script.write_text(example("python"))
    command = [str(python_with(f"openai-{version}")), "-W", "default", str(script)]
    printed = [run(command, tmp_path, api, caller) for _ in range(2)]
    assert printed[0] == printed[1]
    assert printed[0].split()[1:] == ["10", "1280x720"]
    assert_made_once(caller, tmp_path, generation_of(printed[0]))


@pytest.mark.parametrize("version", ["6", "7"])
def test_node(version: str, api: Api, caller: Caller, tmp_path: Path) -> None:
    script = tmp_path / "example.mjs"
    script.write_text(example("js"))
    (tmp_path / "node_modules").symlink_to(node_with(f"openai-{version}") / "node_modules")
    printed = run(["node", str(script)], tmp_path, api, caller)
    assert printed.split()[1:] == ["10", "1280x720"]
    assert_made_once(caller, tmp_path, generation_of(printed))


def test_curl(api: Api, caller: Caller, tmp_path: Path) -> None:
    printed = run(["bash", "-c", example("bash") + '\necho "$id"'], tmp_path, api, caller)
    generation_id = generation_of(printed.splitlines()[-1])
    assert_made_once(caller, tmp_path, generation_id)


def test_the_page_names_the_variables_and_the_prefix() -> None:
    text = example("sh")
    assert "OPENAI_BASE_URL=http://127.0.0.1:8080/v1" in text
    assert "OPENAI_API_KEY=rg_" in text
