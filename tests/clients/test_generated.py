"""Clients that are generated from the OpenAPI document: they compile, and do what their pages say,
with a gateway that runs. The commands and programs are those of the pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.clients.pages import Example, beginning, examples, path_of
from tests.harness.processes import Api, environment
from tests.harness.toolchains import LOCKS, node_with, python_with
from tests.promises.site import PRICE, Caller

_PYTHON = examples("python-generated.md")
_TYPESCRIPT = examples("typescript.md")
_SECONDS = 300
_DIALECTS = {
    "client": "/api/v1", "openai": "/v1", "dream-machine": "/dream-machine/v1",
    "luma-agents": "/luma/v1",
}  # fmt: skip
_CODEGEN = """\
import * as client from "./client";
import "./dream-machine";
import "./luma-agents";
import "./openai";

client.OpenAPI.BASE = process.env.REELGATE_URL!;
client.OpenAPI.TOKEN = process.env.REELGATE_KEY!;
const api = client.GenerationsService;
const wanted: client.TextToVideoRequest = {
  feature: client.TextToVideoRequest.feature.TEXT_TO_VIDEO,
  prompt: "a lion in the savanna",
  model: client.VideoModel.RAY_V3,
  duration: client.Duration.FIVE_SECONDS,
};

async function main() {
  const made = await api.createGeneration(wanted, crypto.randomUUID(), "wait=60");
  console.log(made.state);
  const page = await api.listGenerations([client.State.SUCCEEDED]);
  console.log(page.data.some((each) => each.id === made.id));
  try {
    await api.createGeneration({ ...wanted, prompt: " " });
  } catch (error) {
    if (!(error instanceof client.ApiError)) throw error;
    console.log(error.status, error.body.code);
  }
}
void main();
"""


class Workshop:
    """A folder in which one client is generated and used, by programs of the toolchains alone: no
    other Java than the one that comes with its generator."""

    def __init__(self, folder: Path, caller: Caller, api: Api, *programs: Path) -> None:
        self.folder = folder
        node = shutil.which("node")
        assert node is not None
        places = [*programs, Path(node).parent]
        tools = folder / "tools"
        tools.mkdir()
        for name in ("bash", "sh", "env", "node"):
            found = shutil.which(name)
            assert found is not None
            (tools / name).symlink_to(found)
        self._environment = {
            "PATH": os.pathsep.join(map(str, [*places[:-1], tools])),
            "HOME": str(folder), "LANG": "C.UTF-8",
            "REELGATE_URL": api.address, "REELGATE_KEY": caller.key,
        }  # fmt: skip

    def run(self, *command: str) -> str:
        """What it printed; it has to succeed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-6000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def generate(self, example: Example) -> str:
        return self.run("bash", "-euc", example.blocks["sh"])


def assert_went_round(printed: str, *, film: str, field: str) -> None:
    """The four lines that each example prints, and the film that it kept."""
    state, listed, kind, refused = printed.strip().splitlines()
    assert state == "succeeded"
    assert listed in ("True", "true")
    assert film in kind
    assert refused.startswith("422 invalid_request ")
    assert field in refused


def test_openapi_python_client(tmp_path: Path, caller: Caller, api: Api) -> None:
    python = python_with("openapi-python-client")
    shop, example = Workshop(tmp_path, caller, api, python.parent), _PYTHON["openapi-python-client"]
    path_of(tmp_path, "config.yaml", example.blocks["yaml"])
    said = shop.generate(example)
    assert "WARNING" not in said
    path_of(tmp_path, "example.py", example.blocks["python"])
    shop.run(str(python), "-m", "mypy", "--strict", "--follow-imports=silent", "example.py")
    printed = shop.run(str(python), "example.py")
    assert_went_round(printed, film="ftyp", field="prompt")
    assert (tmp_path / "lion.mp4").read_bytes()[4:8] == b"ftyp"


def test_openapi_generator_python(tmp_path: Path, caller: Caller, api: Api) -> None:
    python = python_with("openapi-generator")
    shop, example = Workshop(tmp_path, caller, api, python.parent), _PYTHON["openapi-generator"]
    shop.generate(example)
    made = path_of(tmp_path / "generated", "example.py", example.blocks["python"])
    shop.run(str(python), "-m", "mypy", "--follow-imports=silent", str(made))
    printed = shop.run(str(python), str(made))
    assert_went_round(printed, film="ftyp", field="callback_url")
    assert (tmp_path / "lion.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("title", _TYPESCRIPT)
def test_typescript(tmp_path: Path, caller: Caller, api: Api, title: str) -> None:
    toolchain = node_with("clients")
    programs = [toolchain / "node_modules" / ".bin"]
    if title.startswith("openapi-generator"):
        programs.append(python_with("openapi-generator").parent)
    shop, example = Workshop(tmp_path, caller, api, *programs), _TYPESCRIPT[title]
    (tmp_path / "node_modules").symlink_to(toolchain / "node_modules")
    path_of(tmp_path, "package.json", '{"type": "module"}')
    path_of(tmp_path, "tsconfig.json", beginning("typescript.md")["json"])
    if "js" in example.blocks:
        path_of(tmp_path, "openapi-ts.config.mjs", example.blocks["js"])
    path_of(tmp_path, "example.ts", example.blocks["ts"])
    shop.generate(example)
    shop.run("tsc", "-p", "tsconfig.json")
    printed = shop.run("node", "built/example.js")
    assert_went_round(printed, film="ftyp", field="prompt")
    assert (tmp_path / "lion.mp4").read_bytes()[4:8] == b"ftyp"


def test_openapi_typescript_codegen(tmp_path: Path, caller: Caller, api: Api) -> None:
    """No longer developed, and in many programs. What it generates imports as bundlers and
    CommonJS allow."""
    modules = node_with("clients") / "node_modules"
    generator = node_with("openapi-typescript-codegen") / "node_modules" / ".bin"
    shop = Workshop(tmp_path, caller, api, generator, modules / ".bin")
    (tmp_path / "node_modules").symlink_to(modules)
    for name, prefix in _DIALECTS.items():
        # From a file: it fetches nothing from an address of the own machine.
        served = httpx.get(f"{api.address}{prefix}/openapi.json").text
        document = path_of(tmp_path, f"{name}.json", served)
        shop.run("openapi", "--input", str(document), "--output", name)
    path_of(tmp_path, "tsconfig.json", beginning("typescript.md")["json"])
    path_of(tmp_path, "package.json", '{"type": "commonjs"}')
    path_of(tmp_path, "example.ts", _CODEGEN)
    shop.run("tsc", "-p", "tsconfig.json")
    made, listed, refused = shop.run("node", "built/example.js").splitlines()
    assert made == "succeeded"
    assert listed == "true"
    assert refused == "422 invalid_request"


def test_the_pages_install_what_they_are_tested_with() -> None:
    """Names and versions of what the toolchains hold; more of them is for the tests alone."""
    for title, example in _PYTHON.items():
        held = (LOCKS / "python" / f"{title}.in").read_text().splitlines()
        asked = re.findall('"([^"]+)"', example.blocks["bash"])
        assert asked, title
        assert set(asked) <= set(held), title
    package = json.loads((LOCKS / "node" / "clients" / "package.json").read_text())
    told = beginning("typescript.md")["bash"]
    named = re.findall(r"(?<= )(@?[a-z/-]+)@([0-9.]+)", told)
    assert {name for name, _ in named} == package["dependencies"].keys()
    for name, version in named:
        assert package["dependencies"][name].lstrip("^~").startswith(version), name
    assert "type=module" in told


def test_the_commands_of_the_page_of_the_own_rest(tmp_path: Path, caller: Caller, api: Api) -> None:
    """All of them, one after the other, in one shell."""
    blocks = [found["sh"] for e in examples("rest.md").values() if "sh" in (found := e.blocks)]
    assert len(blocks) >= 6
    given = {"REELGATE_URL": api.address, "REELGATE_KEY": caller.key}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path, env=environment(tmp_path, given), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    made = said[0].removeprefix("created ")
    assert said[1].lower() == "idempotent-replayed: true"
    assert said[2:6] == [made, "succeeded", "ftyp", made]
    assert said[6:] == [
        "true",
        "day,member_id,model,state,generations,settled_credits,held_credits",
        '"invalid_request"',
        '["5s","10s"]',
    ]


def test_the_first_video_in_python(tmp_path: Path, caller: Caller, api: Api) -> None:
    """Twice: the second time pays nothing."""
    program = examples("rest.md")["A first video in Python"].blocks["python"]
    given = {"REELGATE_URL": api.address, "REELGATE_KEY": caller.key}
    before, printed = caller.me()["credits"]["binding"]["used_credits"], []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "ignore::ResourceWarning", "-c", program],
            cwd=tmp_path, env=environment(tmp_path, given), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout.partition("?")[0])
        assert (tmp_path / "boat.mp4").read_bytes()[4:8] == b"ftyp"
        (tmp_path / "boat.mp4").unlink()
    assert printed[0] == printed[1]
    assert caller.me()["credits"]["binding"]["used_credits"] - before == PRICE
