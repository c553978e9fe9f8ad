"""The page for front-end teams: it is built, served by its token server, and used in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.domain.limits import Limits
from tests.documents.pages import blocks
from tests.harness.browser import browsing
from tests.harness.database import Server
from tests.harness.processes import Api, Process, ending_processes, environment, until
from tests.harness.toolchains import node_with
from tests.promises.site import PRICE, Caller, Site, site
from tests.structure.sources import ROOT

EXAMPLE = ROOT / "examples" / "web-page"
SCRIPT = Path(__file__).with_name("web_page.mjs")
#: The gateway has to know the page's origin before the page's server knows the gateway. So that no
#: port must be found in between, each test process has a loopback address of its own.
HOST = ".".join(map(str, (127, 64 | os.getpid() >> 16, os.getpid() >> 8 & 255, os.getpid() & 255)))
ORIGIN = f"http://{HOST}:3000"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "web-page"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    installed = node_with("web-page", source=EXAMPLE)
    (folder / "node_modules").symlink_to(installed / "node_modules")
    done = subprocess.run(
        ["npm", "run", "build"], cwd=folder, env=environment(folder, {}),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def place(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """No worker runs in it, so what is created stays queued."""
    folder = tmp_path_factory.mktemp("site")
    with postgres.fresh() as address, site(address, folder, REELGATE_CORS_ORIGINS=ORIGIN) as it:
        yield it


@pytest.fixture(scope="module")
def api(place: Site) -> Api:
    return place.start_api()


@contextlib.contextmanager
def serving(folder: Path, gateway: str, key: str) -> Iterator[Process]:
    """The server of the page, with a key."""
    settings = {"REELGATE_URL": gateway, "REELGATE_KEY": key, "HOST": HOST}
    with ending_processes() as started:
        server = Process(
            "server.mjs", folder=folder, name="server", program=["node"], settings=settings
        )
        started.append(server)

        def listens() -> bool:
            assert server.running, server.errors
            return server.printed == f"Open {ORIGIN}\n"

        until(listens, "the server listens")
        yield server


def generations(caller: Caller) -> dict[str, dict[str, Any]]:
    """Prompt → generation. No prompt has two."""
    listed = caller.get("/api/v1/generations").json()["data"]
    found = {each["spec"]["prompt"]: each for each in listed}
    assert len(found) == len(listed)
    return found


def test_a_person_makes_a_video_with_the_page(
    built: Path, place: Site, api: Api, tmp_path: Path
) -> None:
    caller = place.caller(api, "ada", limits=Limits())
    with serving(built, api.address, caller.key) as server:
        with browsing(tmp_path, SCRIPT, ORIGIN, caller.key) as script:
            assert script.line() == "queued"
            queued = generations(caller)
            place.worker()
            found = json.loads(script.rest())
            place.end_workers()
        assert caller.key not in server.printed + server.errors
    assert found == {
        "lost": "No answer arrived. Asking again: nothing is paid twice.",
        "polls_until_ready": 0,
        "film": {"square": True, "width": 720, "seconds": 5},
        "still_playing": True,
        "poster": True,
        "refused": 'prompt: must not be empty (got "  ").',
        "failed": "The upstream failed to make the video.",
        "events": True,
        "with_a_token": True,
        "with_the_key": 0,
        "objections": [],
    }
    assert {prompt: each["state"] for prompt, each in queued.items()} == {
        "a canceled boat": "canceled",
        "a paper boat": "queued",
    }
    made = generations(caller)
    assert {prompt: each["state"] for prompt, each in made.items()} == {
        "a canceled boat": "canceled",
        "a paper boat": "succeeded",
        "a boat that fails [sim:failed_200]": "failed",
    }
    assert made["a paper boat"]["id"] == queued["a paper boat"]["id"]
    assert place.upstream.counts("a paper boat")["submitted"] == 1
    assert caller.me()["credits"]["binding"]["used_credits"] == PRICE
    (user,) = {each["user"] for each in made.values()}
    assert str(UUID(user)) == user


def test_the_token_server(built: Path, place: Site, api: Api) -> None:
    """Clicks at the same moment are one, and nobody sees or cancels what is another's."""
    caller = place.caller(api, "bob", limits=Limits())
    with (
        serving(built, api.address, caller.key),
        httpx.Client(base_url=ORIGIN, timeout=120) as nobody,
    ):
        wish = {"prompt": "a boat", "aspect_ratio": "1:1", "model": "ray-v1", "duration": "10s"}
        ada, bob = _visitor(nobody), _visitor(nobody)

        def click(_: int) -> httpx.Response:
            return nobody.post("/api/videos", json=wish, headers={**ada, "Idempotency-Key": "1"})

        with ThreadPoolExecutor() as threads:
            answers = list(threads.map(click, range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        (made,) = generations(caller).values()
        assert {answer.json()["generation"]["id"] for answer in answers} == {made["id"]}
        assert (made["spec"]["model"], made["spec"]["duration"]) == ("ray-v3", "5s")
        # The same number of a click, of somebody else.
        his = nobody.post("/api/videos", json=wish, headers={**bob, "Idempotency-Key": "1"})
        assert his.json()["generation"]["id"] != made["id"]

        own = f"/api/videos/{made['id']}"
        events = httpx.URL(nobody.get(own, headers=ada).json()["events"])
        other = events.copy_with(path="/api/v1/events")
        assert httpx.get(other, timeout=120).status_code == 403
        refused = [
            nobody.get(own, headers=bob),
            nobody.post(f"{own}/cancel", headers=bob),
            nobody.post(f"{own}/cancel"),
            nobody.post("/api/videos", json=wish, headers={"Idempotency-Key": "2"}),
            nobody.post("/api/videos", json=wish, headers=ada),
            nobody.post("/api/videos", content="{", headers={**ada, "Idempotency-Key": "2"}),
            nobody.get("/../reelgate.mjs"),
            nobody.get("/server.mjs", headers=ada),
        ]
        assert [answer.status_code for answer in refused] == [
            404, 404, 403, 403, 400, 400, 403, 404
        ]  # fmt: skip
        assert all(answer.json()["detail"] for answer in refused)
        assert nobody.post(f"{own}/cancel", headers=ada).json()["state"] == "canceled"
        assert caller.key not in "".join(answer.text for answer in [*answers, *refused, his])
    with (
        serving(built, "http://127.0.0.1:9", caller.key),
        httpx.Client(base_url=ORIGIN, timeout=120) as http,
    ):
        away = http.get(own, headers=ada)
        assert (away.status_code, away.json()) == (502, {"detail": "The gateway does not answer."})


def _visitor(http: httpx.Client) -> dict[str, str]:
    """The cookie of a browser that opens the page for the first time."""
    http.cookies.clear()
    answer = http.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    cookie = f"visitor={answer.cookies['visitor']}"
    http.cookies.clear()
    return {"Cookie": cookie}


def test_the_guide_shows_the_files_and_commands_of_the_example() -> None:
    page = blocks(Path("docs/clients/web-page.md"))
    shown = "".join(block.text for block in page if block.language == "js")
    assert shown == (EXAMPLE / "reelgate.mjs").read_text()
    package = json.loads((EXAMPLE / "package.json").read_text())
    commands = "".join(block.text for block in page if block.language == "sh")
    assert re.findall(r"npm (?:run )?(\w+)", commands) == ["ci", "build", "start"]
    assert package["scripts"].keys() == {"build", "start"}
    assert package["scripts"]["start"] == "node server.mjs"
