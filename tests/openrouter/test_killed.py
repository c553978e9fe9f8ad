"""`kill -9` of the API between the commit of a create and its answer, or while its video is made:
OpenRouter's SDKs repeat the create at the next process on the same port, and one video is paid."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import database
from tests.harness.processes import Api, environment, until
from tests.harness.sockets import kept_port
from tests.openrouter.calling import BASE, bearer
from tests.openrouter.test_sdks import NAME, command
from tests.promises.site import (
    Caller,
    Site,
    assert_paid_once,
    site,
    until_a_request_waits,
)


@pytest.fixture(scope="module")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("killed")) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(place: Site) -> Api:
    """A process that no test ends, to look at what became of it all."""
    return place.start_api()


@contextlib.contextmanager
def _running(
    program: str, prompt: str, folder: Path, caller: Caller, port: int
) -> Iterator[subprocess.Popen[str]]:
    told = {"BASE_URL": f"http://127.0.0.1:{port}{BASE}", "OPENROUTER_API_KEY": caller.key,
            "NAME": NAME}  # fmt: skip
    with subprocess.Popen(
        [*command(program, folder), prompt], cwd=folder, env=environment(folder, told), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.kill()


def _printed(child: subprocess.Popen[str]) -> Any:
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    return json.loads(out)


def _start(place: Site, port: int) -> Api:
    address = f"http://{NAME}:{port}"
    api = place.start_api(REELGATE_PORT=str(port), REELGATE_PUBLIC_URL=address)
    api.logged("api_started")
    return api


@pytest.mark.parametrize(
    ("program", "stalls"),
    [("lost_answer.txt", True), ("lost_answer.txt", False), ("lost_answer.mjs", True),
     ("lost_answer.mjs", False)],
    ids=["python, stalled", "python, closed", "node, stalled", "node, closed"],
)  # fmt: skip
def test_a_create_that_was_committed_and_not_answered_is_joined(
    place: Site, elsewhere: Api, tmp_path: Path, program: str, stalls: bool
) -> None:
    prompt = f"killed between commit and answer, {program} {stalls}"
    caller = place.caller(elsewhere, prompt)
    with kept_port() as port:
        killed = _start(place, port)
        with _running(program, prompt, tmp_path, caller, port) as child:
            made = until(caller.newest, "the create is committed")["id"]
            if stalls:
                # It does not answer, and the SDK repeats the create at the same process.
                killed.pause()
                until_a_request_waits(f"http://127.0.0.1:{port}")
            killed.kill()
            second = _start(place, port)
            worker = place.worker()
            printed = _printed(child)
            assert second.running
            worker.kill()
    # The SDK for Python does not repeat what met a connection that was closed in order.
    raised = 1 if program.endswith(".txt") and not stalls else 0
    assert printed == {"id": made, "raised": raised}
    assert caller.until_rest(made) == "succeeded"
    [only] = caller.get("/api/v1/generations").json()["data"]
    assert only["id"] == made
    assert_paid_once(place, caller, {prompt: made})


def test_the_ai_sdk_that_begins_again_after_a_restart_gets_the_same_video(
    place: Site, elsewhere: Api, tmp_path: Path
) -> None:
    prompt = "restarted while the AI SDK looks"
    caller = place.caller(elsewhere, prompt)
    with kept_port() as port:
        killed = _start(place, port)
        with _running("restarted.mjs", prompt, tmp_path, caller, port) as child:
            made = until(caller.newest, "the create is committed")["id"]
            looks = f'route="{BASE}/videos/{{video_id}}"'
            until(lambda: looks in killed.http.get("/metrics").text, "it looks")
            killed.kill()
            _start(place, port)
            worker = place.worker()
            printed = _printed(child)
            worker.kill()
    assert printed == {"id": made, "repeated": True, "video": "ftyp"}
    [only] = caller.get("/api/v1/generations").json()["data"]
    assert only["id"] == made
    assert_paid_once(place, caller, {prompt: made})


def test_what_one_process_has_not_answered_another_one_joins(place: Site, elsewhere: Api) -> None:
    prompt = "asked at two processes"
    caller = place.caller(elsewhere, prompt)
    stuck = place.start_api()
    asked = {"model": "luma/ray-v3", "prompt": prompt, "aspect_ratio": "1:1"}

    def ask(api: Api, **headers: str) -> httpx.Response:
        return api.http.post(f"{BASE}/videos", json=asked, headers=bearer(caller.key, **headers))

    with ThreadPoolExecutor() as threads:
        first = threads.submit(ask, stuck, Prefer="wait=100")
        made = until(caller.newest, "the create is committed")["id"]
        stuck.pause()
        again = ask(elsewhere)
        assert (again.status_code, again.json()["id"]) == (202, made)
        assert again.headers["Idempotent-Replayed"] == "true"
        # That one was answered in full.
        another = ask(elsewhere).json()["id"]
        assert another != made
        stuck.kill()
        with pytest.raises(httpx.TransportError):
            first.result()
    assert len(caller.get("/api/v1/generations").json()["data"]) == 2
