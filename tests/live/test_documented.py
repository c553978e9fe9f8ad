"""The examples of docs/live.md, as they stand, against real processes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import database
from tests.harness.processes import Api, environment, until
from tests.promises.site import Caller, Site, site
from tests.structure.documents import fences

DOCUMENT = Path("docs/live.md")
PATIENCE_SECONDS = 120
FULL = ["generation.queued", "generation.submitting", "generation.running", "generation.succeeded"]
#: A page that creates when it hears this misses nothing; the count of streams says it too early,
#: because a place is taken before the stream knows where it begins.
SAYS_THAT_IT_LISTENS = """
const Plain = globalThis.EventSource;
globalThis.EventSource = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("listening", () => console.log("listening"), { once: true });
  }
};
"""


@pytest.fixture(scope="module")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("live")) as running:
        running.worker()
        yield running


@pytest.fixture(scope="module")
def api(place: Site) -> Api:
    return place.start_api().ready()


@pytest.fixture
def caller(place: Site, api: Api, request: pytest.FixtureRequest) -> Caller:
    return place.caller(api, request.node.name)


def example(language: str) -> str:
    (found,) = [code for spoken, code in fences(DOCUMENT) if spoken == language]
    return found


def streams(api: Api) -> int:
    lines = api.http.get("/metrics").text.splitlines()
    return int(
        float(next(each for each in lines if each.startswith("reelgate_streams ")).split()[1])
    )


def test_curl_prints_events_as_they_happen(api: Api, caller: Caller, tmp_path: Path) -> None:
    given = {"REELGATE_URL": api.address, "REELGATE_KEY": caller.key}
    with subprocess.Popen(
        ["bash", "-c", f"exec {example('sh')}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=tmp_path, env=environment(tmp_path, given),
    ) as listening:  # fmt: skip
        assert listening.stdout is not None
        impatient = threading.Timer(PATIENCE_SECONDS, listening.kill)
        impatient.start()
        named: list[str] = []
        made = ""
        for line in listening.stdout:
            if line.startswith("event: "):
                named.append(line.removeprefix("event: ").strip())
            if named == ["listening"] and not made:
                # What is made before curl hears this may have happened before it listened.
                made = caller.create("seen by curl")
            if named[-1:] == ["generation.succeeded"] and line.startswith("data: "):
                assert made in line
                break
        impatient.cancel()
        listening.terminate()
    assert named == ["listening", *FULL]
    until(lambda: streams(api) == 0, "the stream of curl is closed")


def test_a_page_listens_with_a_token(place: Site, api: Api, caller: Caller, tmp_path: Path) -> None:
    script = tmp_path / "page.mjs"
    given = "const gateway = process.env.GATEWAY, key = process.env.KEY;\n"
    script.write_text(f"{given}{SAYS_THAT_IT_LISTENS}{example('js')}")
    with subprocess.Popen(
        ["node", "--no-warnings", "--experimental-eventsource", str(script)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=environment(tmp_path, {"GATEWAY": api.address, "KEY": caller.key}),
    ) as page:  # fmt: skip
        assert page.stdout is not None
        impatient = threading.Timer(PATIENCE_SECONDS, page.kill)
        impatient.start()
        assert page.stdout.readline() == "listening\n"
        made = caller.create("seen by a page")
        printed = page.stdout.read()
        impatient.cancel()
    lines = printed.splitlines()
    assert lines[:-1] == [f"{made} {event}" for event in FULL], printed
    assert api.http.get(lines[-1]).content[4:8] == b"ftyp"
    assert "rg_events_" not in place.logs()
