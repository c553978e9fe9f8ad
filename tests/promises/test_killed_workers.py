"""P1 and P4: a worker may die at any moment. One test for each state in which it can die."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest

from app.domain.limits import Limits
from tests.harness.processes import Api, until
from tests.promises.site import PRICE, Caller, Site, Upstream, assert_paid_once

#: Longer than any test: a request held so long is in flight until its worker is killed.
HELD_SECONDS = 300.0


def made_by(upstream: Upstream, prompt: str) -> bool:
    return bool(upstream.counts(prompt)["made"])


@pytest.fixture
def caller(workers: Site, api: Api, request: pytest.FixtureRequest) -> Caller:
    return workers.caller(api, request.node.name)


def test_a_generation_queued_without_a_worker_is_sent_once(workers: Site, caller: Caller) -> None:
    prompt = "queued without a worker"
    made = caller.create(prompt)
    assert caller.state(made) == "queued"
    workers.start_worker()
    assert caller.until_rest(made) == "succeeded"
    assert workers.upstream.counts(prompt) == {"submitted": 1, "made": 1, "billed": PRICE}
    assert_paid_once(workers, caller, {prompt: made})


def test_a_worker_killed_while_submitting_leaves_only_its_submissions_unknown(
    workers: Site, caller: Caller
) -> None:
    upstream = workers.upstream
    upstream.fault("hang", "accepted, not answered", seconds=HELD_SECONDS)
    upstream.fault("delay", "not accepted yet", seconds=HELD_SECONDS)
    lost = {
        prompt: caller.create(prompt) for prompt in ("accepted, not answered", "not accepted yet")
    }
    worker = workers.start_worker(REELGATE_WORKER_CONCURRENCY="2")
    for prompt in lost:
        upstream.until_fault_hit(prompt)
    later = {prompt: caller.create(prompt) for prompt in ("later", "even later")}
    assert {caller.state(made) for made in lost.values()} == {"submitting"}
    assert {caller.state(made) for made in later.values()} == {"queued"}

    workers.kill(worker)
    workers.start_worker()

    for made in later.values():
        assert caller.until_rest(made) == "succeeded"
    for prompt, made in lost.items():
        assert caller.until_rest(made) == "unknown"
        # The upstream makes the video although the worker died, so it must not be sent again.
        until(partial(made_by, upstream, prompt), f"{prompt!r} is made")
        assert upstream.counts(prompt) == {"submitted": 1, "made": 1, "billed": PRICE}
    assert_paid_once(workers, caller, lost | later)
    assert caller.me()["open"] == 0


def test_a_worker_killed_while_polling_loses_nothing(workers: Site, caller: Caller) -> None:
    prompt = "made while its worker dies"
    workers.upstream.fault("delay", prompt, path="results", seconds=HELD_SECONDS)
    made = caller.create(prompt)
    worker = workers.start_worker()
    workers.upstream.until_fault_hit(prompt)
    assert caller.state(made) == "running"

    workers.kill(worker)
    workers.start_worker()

    assert caller.until_rest(made) == "succeeded"
    assert_paid_once(workers, caller, {prompt: made})


def test_a_worker_killed_while_archiving_is_replaced(workers: Site, caller: Caller) -> None:
    prompt = "half archived"
    workers.upstream.fault("download_slow", prompt, seconds=HELD_SECONDS)
    made = caller.create(prompt)
    worker = workers.start_worker()
    workers.upstream.until_fault_hit(prompt)
    generation = caller.generation(made)
    assert (generation["state"], generation["video"]["state"]) == ("succeeded", "pending")

    workers.kill(worker)
    streamed = caller.http.get(generation["video"]["url"])
    assert streamed.content[4:8] == b"ftyp", "it can be watched before it is archived"
    workers.start_worker()

    video = caller.until_archived(made)
    kept = caller.http.get(video["url"]).content
    assert video["sha256"] == hashlib.sha256(kept).hexdigest()
    assert video["sha256"] == workers.upstream.video_sha256(prompt)
    assert (video["width"], video["height"], video["mismatch"]) == (720, 720, None)
    assert_paid_once(workers, caller, {prompt: made})


def test_a_stopping_worker_finishes_its_submissions(workers: Site, caller: Caller) -> None:
    prompt = "answered during the drain"
    made = caller.create(prompt)
    with workers.upstream.frozen():
        worker = workers.start_worker(REELGATE_DRAIN_SECONDS="60")
        assert caller.until_submitting() == made
        workers.upstream.until_a_request_waits()
        worker.terminate()
        worker.logged("worker_stopping")
    assert worker.exit_code() == 0
    assert worker.events("submitted")[0]["state"] == "running"
    assert caller.state(made) == "running"

    workers.start_worker()
    assert caller.until_rest(made) == "succeeded"
    assert_paid_once(workers, caller, {prompt: made})


def test_a_submission_not_answered_within_the_drain_time_is_unknown(
    workers: Site, caller: Caller
) -> None:
    prompt = "not answered during the drain"
    workers.upstream.fault("hang", prompt, seconds=HELD_SECONDS)
    made = caller.create(prompt)
    worker = workers.start_worker(REELGATE_DRAIN_SECONDS="0.5")
    workers.upstream.until_fault_hit(prompt)

    worker.terminate()
    assert worker.exit_code() == 0
    assert caller.state(made) == "unknown"
    assert_paid_once(workers, caller, {prompt: made})


def test_workers_killed_repeatedly_submit_nothing_twice(workers: Site, api: Api) -> None:
    caller = workers.caller(api, "repeated", limits=Limits(max_open=50, rate_burst=50))
    prompts = {f"repeated {number:02}": "" for number in range(20)}
    # These are in flight until their worker is killed.
    held = ("repeated 00", "repeated 06", "repeated 12")
    for prompt in prompts:
        if prompt in held:
            workers.upstream.fault("hang", prompt, seconds=HELD_SECONDS)
        else:
            workers.upstream.fault("delay", prompt, seconds=0.3)
        # So that no video is rendered, which takes CPU.
        workers.upstream.fault("link_gone", prompt)
        prompts[prompt] = caller.create(prompt)

    for prompt in held:
        worker = workers.start_worker(REELGATE_WORKER_CONCURRENCY="3")
        workers.upstream.until_fault_hit(prompt)
        workers.kill(worker)
    workers.start_worker()

    states = {prompt: caller.until_rest(each) for prompt, each in prompts.items()}
    assert set(states.values()) == {"succeeded", "unknown"}
    assert {states[prompt] for prompt in held} == {"unknown"}
    lost = list(states.values()).count("unknown")
    assert lost <= 3 * 3, "no more than was in flight at each kill"
    assert_paid_once(workers, caller, prompts)
