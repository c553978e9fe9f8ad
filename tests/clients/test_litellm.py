"""LiteLLM in front of the gateway, over a network that loses the answer to its first create: the
settings and examples of docs/clients/litellm.md, as they stand. Its environment has 700 MB."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents.pages import blocks
from tests.harness.films import probed
from tests.harness.processes import Api, Process, ending_processes, environment, until
from tests.harness.toolchains import python_with
from tests.openai.swallowing import swallowing
from tests.promises.site import Caller, Site
from tests.structure.sources import read
from tests.upstream.loopback import closed_port

MASTER_KEY = "sk-a-key-of-the-proxy-0123456789abcdef"
#: It would fetch its table of prices.
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
#: One create by a Router. Prints what comes of it.
ROUTER = """\
import asyncio, json, os, sys
import litellm
given = json.loads(sys.argv[1])
model = {
    "model": "openai/sora-2", "timeout": 3,
    "api_base": os.environ["VIDEOS_BASE_URL"], "api_key": os.environ["REELGATE_KEY"],
}
models = [{"model_name": "sora-2", "litellm_params": model}]
router = litellm.Router(model_list=models, **given["settings"])
try:
    print(asyncio.run(router.avideo_generation(model="sora-2", **given["asked"])).object)
except Exception as error:
    print(type(error).__name__)
"""


def test_the_page_names_the_version_that_is_tested() -> None:
    [version] = re.findall(
        r"^litellm==(\S+)", read("tests/sdk/python/litellm.lock"), flags=re.MULTILINE
    )
    assert f"LiteLLM {version}," in read("docs/clients/litellm.md")


def examples(language: str) -> list[str]:
    """The page's blocks in this language."""
    page = blocks(Path("docs/clients/litellm.md"))
    return [block.text for block in page if block.language == language]


def variables(network: str, caller: Caller) -> dict[str, str]:
    return {
        "VIDEOS_BASE_URL": f"{network}/v1", "REELGATE_KEY": caller.key,
        "LITELLM_MASTER_KEY": MASTER_KEY, **OFFLINE,
    }  # fmt: skip


@contextlib.contextmanager
def proxy(config: str, folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """The address of a LiteLLM proxy."""
    (folder / "config.yaml").write_text(config)
    port = closed_port()
    address = f"http://127.0.0.1:{port}"
    command = ("--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port))
    with ending_processes() as started, httpx.Client(trust_env=False, timeout=120) as http:
        program = (python_with("litellm").with_name("litellm"),)
        running = Process(
            *command, folder=folder, name="litellm", settings=settings, program=program
        )
        started.append(running)

        def answers() -> bool:
            assert running.running, running.printed + running.errors
            with contextlib.suppress(httpx.TransportError):
                return http.get(f"{address}/health/liveliness").is_success
            return False

        until(answers, "the proxy answers")
        yield address


def run(command: list[str], folder: Path, settings: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment(folder, settings), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(place: Site, caller: Caller, *, submitted: int = 1) -> list[dict[str, Any]]:
    """What the caller has of one prompt, and how often the upstream was asked for it."""
    found: list[dict[str, Any]] = caller.get("/api/v1/generations?limit=100").json()["data"]
    for each in found:
        assert caller.until_rest(each["id"]) == "succeeded"
    [prompt] = {each["spec"]["prompt"] for each in found}
    assert place.upstream.counts(prompt)["submitted"] == submitted
    return found


@pytest.mark.heavy
def test_the_proxy_pays_once_for_a_create_whose_answer_is_lost(
    place: Site, api: Api, tmp_path: Path
) -> None:
    [config], [command_line] = examples("yaml"), examples("bash")
    caller = place.caller(api, "proxy")
    script = tmp_path / "example.py"
    script.write_text(examples("python")[0])
    with (
        swallowing(api.address) as network,
        proxy(config, tmp_path, variables(network, caller)) as address,
    ):
        settings = {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": MASTER_KEY}
        command = [str(python_with("litellm")), str(script)]
        printed = [run(command, tmp_path, settings) for _ in range(2)]
        printed.append(run(["bash", "-c", command_line], tmp_path, settings))
    assert printed[0] == printed[1]
    assert printed[0].split()[1:] == ["10", "1280x720"]
    assert json.loads(printed[2])["id"] == printed[0].split()[0]
    [generation] = made(place, caller)
    assert generation["user"] == "ada"
    assert_film(tmp_path)


@pytest.mark.heavy
def test_the_library_pays_once_for_a_program_that_runs_again(
    place: Site, api: Api, tmp_path: Path
) -> None:
    caller = place.caller(api, "library")
    script = tmp_path / "example.py"
    script.write_text(examples("python")[1])
    command = [str(python_with("litellm")), str(script)]
    for _ in range(2):
        # LiteLLM writes the id of one video in several ways.
        printed = run(command, tmp_path, variables(api.address, caller))
        assert printed.split()[1:] == ["10", "1280x720"]
    assert len(made(place, caller)) == 1
    assert_film(tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("asked", "settings", "printed", "submitted"),
    [
        # What the page warns of: the first attempt and a later one each make a video.
        ({}, {}, "video", 2),
        ({}, {"num_retries": 0}, "Timeout", 1),
        ({"extra_body": {"idempotency_key": "k"}}, {}, "video", 1),
        ({"extra_headers": {"Idempotency-Key": "k"}}, {}, "video", 1),
    ],
    ids=["by itself", "no retries", "a field", "a header"],
)
def test_a_router_pays_once_with_a_key_or_without_retries(
    request: pytest.FixtureRequest, place: Site, api: Api, tmp_path: Path,
    asked: dict[str, Any], settings: dict[str, int], printed: str, submitted: int,
) -> None:  # fmt: skip
    name = request.node.callspec.id
    caller = place.caller(api, f"router, {name}")
    script = tmp_path / "router.py"
    script.write_text(ROUTER)
    with swallowing(api.address) as network:
        given = json.dumps({"asked": {"prompt": name, **asked}, "settings": settings})
        command = [str(python_with("litellm")), str(script), given]
        assert run(command, tmp_path, variables(network, caller)).split() == [printed]
    assert len(made(place, caller, submitted=submitted)) == submitted


def assert_film(folder: Path) -> None:
    film = probed(folder / "boat.mp4")
    assert (film.width, film.height, round(film.duration_seconds)) == (1280, 720, 10)
