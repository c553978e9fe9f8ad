"""P2: the caller may hang up, and so may the process it talks to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.harness.processes import Api, until
from tests.promises.site import Site, assert_paid_once


def waiting(api: Api) -> int:
    """Callers that wait for a video in this process."""
    lines = api.http.get("/metrics").text.splitlines()
    return int(
        float(next(line for line in lines if line.startswith("reelgate_waiting ")).split()[1])
    )


def test_an_api_killed_while_a_caller_waits_loses_the_connection_and_not_the_video(
    workers: Site, api: Api
) -> None:
    doomed = workers.start_api()
    caller = workers.caller(doomed, "patient")
    elsewhere = caller.at(api)
    workers.worker()
    prompt = "its connection is cut"

    with ThreadPoolExecutor() as threads:
        with workers.upstream.standing_still():
            cut_off = threads.submit(caller.post, prompt, Idempotency_Key="the-one-video")
            elsewhere.until_submitting()
            workers.upstream.until_a_request_waits()
            until(lambda: waiting(doomed) == 1, "the caller waits")
            doomed.kill()
            with pytest.raises(httpx.TransportError):
                cut_off.result()
            # This joins the generation in flight and waits for it.
            joining = threads.submit(elsewhere.post, prompt, Idempotency_Key="the-one-video")
            until(lambda: waiting(api) == 1, "it waits elsewhere")
        answer = joining.result()

    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    record = answer.json()["aiRecord"]
    assert record["status"] == "SUCCESS"
    assert api.http.get(record["temporaryUrl"]).content[4:8] == b"ftyp"
    assert_paid_once(workers, elsewhere, {prompt: record["uuid"]})


def test_an_api_told_to_stop_tells_waiting_callers_where_to_look(workers: Site, api: Api) -> None:
    leaving = workers.start_api()
    caller = workers.caller(leaving, "told")
    workers.worker()
    prompts = [f"told where to look {number}" for number in range(3)]

    with ThreadPoolExecutor() as threads, workers.upstream.standing_still():
        answers = [threads.submit(caller.post, prompt) for prompt in prompts]
        caller.at(api).until_submitting()
        until(lambda: waiting(leaving) == 3, "the callers wait")
        leaving.terminate()
        told = [answer.result() for answer in answers]
        assert leaving.exit_code() == 0

    made = {}
    for prompt, answer in zip(prompts, told, strict=True):
        record = answer.json()["aiRecord"]
        assert (answer.status_code, record["status"]) == (202, "PROCESSING")
        assert answer.headers["Location"] == f"{leaving.address}/api/results/{record['uuid']}"
        assert answer.headers["Retry-After"]
        made[prompt] = record["uuid"]
    elsewhere = caller.at(api)
    assert {elsewhere.until_rest(each) for each in made.values()} == {"succeeded"}
    assert_paid_once(workers, elsewhere, made)
