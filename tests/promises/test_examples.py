"""P6: the three examples of the upstream's documentation, with only host and key replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.videos.probe import mismatch
from tests.harness import database
from tests.harness.films import probed
from tests.harness.processes import Api, ending_processes, environment
from tests.harness.specs import luma
from tests.harness.toolchains import program

EXAMPLES = Path(__file__).parent / "examples"
HOST = "https://api.1min.ai"
SPEC = luma(
    prompt="a majestic lion walking through golden savanna at sunset",
    model="ray-v3",
    duration="5s",
    aspect_ratio="16:9",
    resolution="720p",
    loop=False,
)


@pytest.fixture(scope="module")
def up(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    settings = {"REELGATE_PORT": "0", "REELGATE_SIMULATOR_PORT": "0",
                "REELGATE_SIMULATOR_SPEED": "1000"}  # fmt: skip
    with postgres.fresh() as address, ending_processes() as started:
        folder = tmp_path_factory.mktemp("up")
        api = Api("up", folder=folder, name="up", settings=settings | {"DATABASE_URL": address})
        started.append(api)
        yield api.ready()


def first_key(api: Api) -> str:
    return next(line.strip() for line in api.printed.splitlines() if line.strip().startswith("rg_"))


def curl(example: str, folder: Path) -> list[str]:
    return ["bash", "-c", example]


def javascript(example: str, folder: Path) -> list[str]:
    """Unchanged, except that it prints the answer."""
    script = folder / "example.mjs"
    script.write_text(f"const answer = await {example}\nconsole.log(await answer.text())\n")
    return ["node", str(script)]


def python(example: str, folder: Path) -> list[str]:
    """Unchanged, except that it prints the answer."""
    script = folder / "example.py"
    script.write_text(f"{example}\nprint(response.text)\n")
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("file", "placeholder", "command"),
    [
        ("curl.sh", "<api-key>", curl),
        ("fetch.js", "YOUR_API_KEY", javascript),
        ("requests.txt", "YOUR_API_KEY", python),
    ],
    ids=["curl", "javascript", "python"],
)
def test_the_upstreams_own_example_returns_a_video_that_plays(
    up: Api, tmp_path: Path, file: str, placeholder: str,
    command: Callable[[str, Path], list[str]],
) -> None:  # fmt: skip
    example = (EXAMPLES / file).read_text()
    assert (example.count(HOST), example.count(placeholder)) == (1, 1)
    adapted = example.replace(HOST, up.address).replace(placeholder, first_key(up))
    arguments = command(adapted, tmp_path)
    answer = subprocess.run(
        [program(arguments[0]), *arguments[1:]], cwd=tmp_path, env=environment(tmp_path, {}),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr

    record = json.loads(answer.stdout)["aiRecord"]
    assert record["status"] == "SUCCESS"
    assert record["aiRecordDetail"]["promptObject"]["prompt"] == SPEC.facts.prompt
    video = tmp_path / "video.mp4"
    video.write_bytes(up.http.get(record["temporaryUrl"]).content)
    assert video.read_bytes()[4:8] == b"ftyp"
    assert mismatch(SPEC, probed(video)) is None
