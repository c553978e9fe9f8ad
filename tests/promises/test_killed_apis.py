"""P2: the caller may hang up, and its API process may die."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.harness.processes import Api, until
from tests.promises.site import Site, assert_paid_once


def waiting(api: Api) -> int:
    """How many callers wait for a video in this process."""
    lines = api.http.get("/metrics").text.splitlines()
    return int(
        float(next(line for line in lines if line.startswith("reelgate_waiting ")).split()[1])
    )


def test_a_killed_api_loses_the_connection_but_not_the_video(workers: Site, api: Api) -> None:
    killed = workers.start_api()
    caller = workers.caller(killed, "patient")
    elsewhere = caller.at(api)
    workers.worker()
    prompt = "its connection breaks"

    with ThreadPoolExecutor() as threads:
        with workers.upstream.frozen():
            broken = threads.submit(caller.post, prompt, Idempotency_Key="the-one-video")
            elsewhere.until_submitting()
            workers.upstream.until_a_request_waits()
            until(lambda: waiting(killed) == 1, "the caller waits")
            killed.kill()
            with pytest.raises(httpx.TransportError):
                broken.result()
            # The retry gets the generation in flight and waits for it.
            retry = threads.submit(elsewhere.post, prompt, Idempotency_Key="the-one-video")
            until(lambda: waiting(api) == 1, "it waits elsewhere")
        answer = retry.result()

    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    record = answer.json()["aiRecord"]
    assert record["status"] == "SUCCESS"
    assert api.http.get(record["temporaryUrl"]).content[4:8] == b"ftyp"
    assert_paid_once(workers, elsewhere, {prompt: record["uuid"]})


def test_a_stopping_api_gives_waiting_callers_the_address(workers: Site, api: Api) -> None:
    stopping = workers.start_api()
    caller = workers.caller(stopping, "waiting")
    workers.worker()
    prompts = [f"waits {number}" for number in range(3)]

    with ThreadPoolExecutor() as threads, workers.upstream.frozen():
        answers = [threads.submit(caller.post, prompt) for prompt in prompts]
        caller.at(api).until_submitting()
        until(lambda: waiting(stopping) == 3, "the callers wait")
        stopping.terminate()
        stopped = [answer.result() for answer in answers]
        assert stopping.exit_code() == 0

    made = {}
    for prompt, answer in zip(prompts, stopped, strict=True):
        record = answer.json()["aiRecord"]
        assert (answer.status_code, record["status"]) == (202, "PROCESSING")
        assert answer.headers["Location"] == f"{stopping.address}/api/results/{record['uuid']}"
        assert answer.headers["Retry-After"]
        made[prompt] = record["uuid"]
    elsewhere = caller.at(api)
    assert {elsewhere.until_rest(each) for each in made.values()} == {"succeeded"}
    assert_paid_once(workers, elsewhere, made)
