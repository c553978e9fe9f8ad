"""Streams over two API processes: what one is told ends where the other goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import database
from tests.harness.processes import Api, until
from tests.live.streams import streams
from tests.promises.site import Caller, Site, site

PATIENCE_SECONDS = 120.0
FULL = ["generation.queued", "generation.submitting", "generation.running", "generation.succeeded"]


@pytest.fixture(scope="module")
def place(postgres: database.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with postgres.fresh() as address, site(address, tmp_path_factory.mktemp("live")) as running:
        yield running


@pytest.fixture(scope="module")
def api(place: Site) -> Api:
    return place.start_api()


def heard(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(id, event) of what happened, as it comes. Heartbeats come for ever, so it has an end."""
    number = event = ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for line in lines:
        assert time.monotonic() < deadline, "nothing is told any more"
        if line.startswith("id: "):
            number = line[4:]
        elif line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: ") and event.startswith("generation."):
            yield number, event


def until_listening(lines: Iterator[str]) -> None:
    """It hears all that happens from now on. (It is counted among the streams before that.)"""
    assert any(line == "event: listening" for line in lines)


def listening(caller: Caller, **headers: Any) -> Any:
    return caller.http.stream(
        "GET", "/api/v1/events", headers={"API-KEY": caller.key, **headers}, timeout=120
    )


def test_what_a_killed_process_had_not_told_another_tells(place: Site, api: Api) -> None:
    doomed = place.start_api()
    caller = place.caller(doomed, "resuming")
    seen: list[tuple[str, str]] = []
    with listening(caller) as stream:
        lines = stream.iter_lines()
        until_listening(lines)
        made = caller.create("told by two processes")
        seen.append(next(heard(lines)))
        doomed.kill()
        with pytest.raises(httpx.TransportError):
            list(lines)
    assert [event for _, event in seen] == FULL[:1]
    worker = place.worker()
    there = caller.at(api)
    assert there.until_rest(made) == "succeeded"
    with listening(there, **{"Last-Event-ID": seen[-1][0]}) as stream:
        for each in heard(stream.iter_lines()):
            seen.append(each)
            if each[1] == FULL[-1]:
                break
    assert [event for _, event in seen] == FULL
    assert len({number for number, _ in seen}) == len(FULL)
    worker.kill()


def test_a_process_that_is_told_to_stop_ends_its_streams_and_goes(place: Site, api: Api) -> None:
    stopping = place.start_api()
    caller = place.caller(stopping, "moving")

    def listen() -> tuple[int, list[tuple[str, str]]]:
        with listening(caller) as stream:
            return stream.status_code, list(heard(stream.iter_lines()))

    with ThreadPoolExecutor() as threads:
        ended = threads.submit(listen)
        until(lambda: streams(stopping) == 1, "it listens")
        caller.create("told before the stop")
        stopping.terminate()
        # The end of the answer, and not a broken connection.
        status, told = ended.result(PATIENCE_SECONDS)
    assert status == 200
    assert [event for _, event in told] in ([], FULL[:1])
    assert stopping.exit_code() == 0
    assert not stopping.events("request_failed")
    if not told:
        return
    with listening(caller.at(api), **{"Last-Event-ID": told[-1][0]}) as stream:
        assert stream.status_code == 200


def test_a_token_of_one_process_opens_a_stream_of_another(
    place: Site, api: Api, tmp_path: Path
) -> None:
    other = place.start_api()
    caller = place.caller(api, "page")
    answer = caller.http.post("/api/v1/events/token", headers={"API-KEY": caller.key})
    assert answer.status_code == 201
    made = caller.create("watched with a token")
    token = answer.json()["token"]
    path = f"/api/v1/generations/{made}/events"
    with other.http.stream("GET", path, params={"token": token}) as stream:
        assert stream.status_code == 200
        assert next(heard(stream.iter_lines()))[1] == "generation.queued"
    for elsewhere in ("/api/v1/generations", "/api/v1/me", f"/api/v1/generations/{made}"):
        assert other.http.get(elsewhere, params={"token": token}).status_code == 401
        assert other.http.get(elsewhere, headers={"API-KEY": token}).status_code == 401
    assert token not in place.logs()
    assert "rg_events_" not in place.logs()
