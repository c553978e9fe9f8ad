"""Asking for a video through the own REST: what is accepted, what it answers, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.api import wire
from app.domain.ids import video_id
from app.errors import InvalidRequest
from app.generations import durations
from tests.api.test_generations import problem
from tests.generations.test_round_trips import followed
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute, traces, used_credits
from tests.upstream.loopback import refusing


def asked(prompt: Any = "a lion", **changes: Any) -> dict[str, Any]:
    """A create; None takes a field away."""
    body = {"feature": "TEXT_TO_VIDEO", "prompt": prompt, "model": "ray-v3", "duration": "5s",
            **changes}  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


async def create(
    gate: Gateway, key: str, body: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    return await post(gate, key, "", body or asked(), **headers)


async def post(
    gate: Gateway, key: str, path: str, body: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gate.http.post(
        f"/api/v1/generations{path}", json=body, headers={"API-KEY": key, **named}
    )


async def get(gate: Gateway, key: str, path: str) -> Any:
    answer = await gate.http.get(f"/api/v1/generations/{path}", headers={"API-KEY": key})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_create_is_accepted_at_once_and_says_where_to_look(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await create(still_gate, key, asked(resolution="1080p", aspect_ratio="9:16"))
    assert answer.status_code == 202
    made = answer.json()
    # Callers on other machines follow it too, where nobody set the public address.
    assert answer.headers["Location"] == f"/api/v1/generations/{made['id']}"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith('"member";r=')
    assert "Preference-Applied" not in answer.headers
    assert (made["state"], made["dialect"], made["quote_credits"]) == ("queued", "rest", 150_000)
    assert made["spec"] == {
        "prompt": "a lion", "model": "ray-v3", "duration": "5s", "aspect_ratio": "9:16",
        "resolution": "1080p", "loop": None,
    }  # fmt: skip
    assert made["progress"] == {
        "elapsed_seconds": 0.0, "p50_seconds": None, "p90_seconds": None,
    }  # fmt: skip
    again = await get(still_gate, key, made["id"])
    assert {**again, "waiting": None, "favorite": None} == made
    assert again["waiting"] == {"queue_position": 1, "reason": "queue", "retry_after_seconds": 5}


@pytest.mark.parametrize(("ahead", "shown"), [(998, 999), (999, 1000), (1200, 1000)])
async def test_a_long_queue_is_not_counted_to_its_end(
    still_gate: Gateway, ahead: int, shown: int
) -> None:
    key = await still_gate.member()
    made = (await create(still_gate, key)).json()
    await execute(
        still_gate,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, status)"
        " SELECT 'submit', 'submit', 1 + n % 2, 'todo' FROM generate_series(1, :ahead) n",
        ahead=ahead,
    )
    seen = await get(still_gate, key, made["id"])
    assert seen["waiting"]["queue_position"] == shown


async def test_a_create_that_may_wait_answers_with_the_video(gate: Gateway) -> None:
    key = await gate.member()
    answer = await create(gate, key, Prefer="wait=500")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Preference-Applied"] == "wait=500"
    made = answer.json()
    assert (made["state"], made["settled_credits"]) == ("succeeded", 150_000)
    assert made["video"]["url"].startswith("http")
    assert made["progress"]["elapsed_seconds"] > 0


async def test_a_wait_that_is_too_short_answers_202(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await create(still_gate, key, Prefer="respond-async, wait=0")
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async, wait=0"


async def test_the_same_key_is_the_same_generation(still_gate: Gateway) -> None:
    key = await still_gate.member()
    first = await create(still_gate, key, Idempotency_Key="once")
    before = await traces(still_gate)
    again = await create(still_gate, key, Idempotency_Key="once")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await create(still_gate, key, asked("another"), Idempotency_Key="once")
    problem(other, 422, "idempotency_mismatch")
    told = asked(callback_url="https://example.com/told")
    problem(
        await create(still_gate, key, told, Idempotency_Key="once"), 422, "idempotency_mismatch"
    )
    assert await traces(still_gate) == before


async def test_a_create_goes_to_the_database_once(database_url: str, tmp_path: Path) -> None:
    """With every header and field that could make it look something up."""
    headers = {"Prefer": "respond-async", "Idempotency_Key": "key-0"}
    with followed(tmp_path) as wire_:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            for number in range(9):
                before = wire_.trips()
                headers["Idempotency_Key"] = f"key-{number}"
                body = asked(callback_url="https://example.com/told")
                assert (await create(gate, key, body, **headers)).status_code == 202
            assert wire_.trips() - before == 1


async def test_a_queued_generation_is_read_in_one_trip(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks, the row, and what it waits for; how long like ones take is remembered."""
    monkeypatch.setattr(durations, "_FRESH_SECONDS", 600.0)
    with followed(tmp_path) as wire_:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member()
            made = (await create(gate, key)).json()["id"]
            for _ in range(9):
                before = wire_.trips()
                await get(gate, key, made)
            assert wire_.trips() - before == 1


WRONG: list[tuple[dict[str, Any], str, str]] = [
    (asked(feature=None), "feature", "missing"),
    (asked(feature="IMAGE"), "feature", "value"),
    (asked(feature=["TEXT_TO_VIDEO"]), "feature", "value"),
    ({"feature": "TEXT_TO_VIDEO"}, "model", "missing"),
    (asked(prompt=None), "prompt", "missing"),
    (asked(prompt=" "), "prompt", "value"),
    (asked(prompt=7), "prompt", "type"),
    (asked(model="ray-9"), "model", "value"),
    (asked(model="kling/ray-v3"), "model", "value"),
    (asked(duration=5), "duration", "value"),
    (asked(aspect_ratio="2:1"), "aspect_ratio", "value"),
    (asked(resolution="720"), "resolution", "value"),
    (asked(loop="yes"), "loop", "type"),
    (asked(modelName="ray-v3"), "modelName", "unknown"),
    (asked(size="1280x720"), "size", "unknown"),
    (asked(callback_url=7), "callback_url", "type"),
    (asked(callback_url="http://example.com/"), "callback_url", "value"),
    (asked(callback_url="https://127.0.0.1/"), "callback_url", "value"),
    (asked(user=7), "user", "type"),
    (asked(user=""), "user", "value"),
]


@pytest.mark.parametrize("path", ["", "/estimate"])
async def test_what_is_wrong_is_named_with_what_would_be_right(
    still_gate: Gateway, path: str
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for body, field, code in WRONG:
        refused = problem(await post(still_gate, key, path, body), 422, "invalid_request")
        found = refused["errors"][0]
        assert (found["field"], found["code"]) == (field, code), body
        assert field in refused["detail"]
        if field in ("feature", "model", "duration", "aspect_ratio", "resolution"):
            assert found["allowed"]
    assert await traces(still_gate) == before


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as raised:
        wire.parse({"feature": "X", "prompt": "", "size": 1, "duration": "7s"})
    named = {(issue.field, issue.code) for issue in raised.value.issues}
    assert named == {("feature", "value"), ("prompt", "value"), ("size", "unknown"),
                     ("duration", "value"), ("model", "missing")}  # fmt: skip


def test_only_what_is_asked_for_is_in_the_spec() -> None:
    spec = wire.parse(asked(aspect_ratio="1:1", resolution="1080p", loop=False)).spec
    assert (spec.values["aspect_ratio"], spec.values["resolution"]) == ("1:1", "1080p")
    assert spec.facts.loop is False
    assert wire.parse(asked()).spec.to_json() == {
        "prompt": "a lion", "model": "ray-v3", "duration": "5s",
    }  # fmt: skip


async def test_a_body_that_is_no_object_is_a_problem(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for content in (b"", b"[]", b"{", b"\xff"):
        answer = await still_gate.http.post(
            "/api/v1/generations", content=content, headers={"API-KEY": key}
        )
        problem(answer, 422, "malformed_json")


async def test_every_form_of_an_id_is_understood(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = UUID((await create(still_gate, key)).json()["id"])
    for form in (str(made), made.hex, video_id(made), str(made).upper()):
        assert (await get(still_gate, key, form))["id"] == str(made)
    canceled = await post(still_gate, key, f"/{video_id(made)}/cancel")
    assert canceled.json()["state"] == "canceled"


async def test_a_failed_generation_is_made_again_and_costs_again(
    database_url: str, tmp_path: Path
) -> None:
    with refusing() as told:
        async with gateway(database_url, tmp_path, webhook_internal_origins=(told,)) as gate:
            await _is_made_again(gate, told)


async def _is_made_again(gate: Gateway, told: str) -> None:
    key = await gate.member()
    body = asked("a lion [sim:failed_200]", resolution="1080p", callback_url=told, user="alice")
    failed = (await create(gate, key, body, Prefer="wait=500")).json()
    assert failed["state"] == "failed"
    again = await post(gate, key, f"/{failed['id']}/retry", Idempotency_Key="again")
    assert again.status_code == 202, again.text
    made = again.json()
    assert made["id"] != failed["id"]
    assert (made["spec"], made["callback_url"]) == (failed["spec"], told)
    assert made["user"] == "alice"
    replayed = await post(gate, key, f"/{failed['id']}/retry", Idempotency_Key="again")
    assert replayed.json()["id"] == made["id"]
    assert replayed.headers["Idempotent-Replayed"] == "true"
    await gate.closed(made["id"])
    books = await gate.simulator.summary()
    assert len(books["submissions"]) == 2


async def test_a_key_of_a_create_is_another_one_for_a_retry(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = (await create(still_gate, key, Idempotency_Key="k")).json()["id"]
    await post(still_gate, key, f"/{made}/cancel")
    again = await post(still_gate, key, f"/{made}/retry", Idempotency_Key="k")
    assert again.status_code == 202
    assert again.json()["id"] != made
    assert again.json()["state"] == "queued"
    assert await used_credits(still_gate) == 150_000


@pytest.mark.parametrize("state", ["queued", "submitting", "running", "succeeded", "unknown"])
async def test_what_could_be_paid_twice_is_not_made_again(still_gate: Gateway, state: str) -> None:
    key = await still_gate.member()
    made = (await create(still_gate, key)).json()["id"]
    await execute(
        still_gate,
        """
        UPDATE generations SET state = :state, upstream_id = 'u',
               finished_at = CASE WHEN :state = 'succeeded' THEN now() END
         WHERE id = :id
        """,
        state=state,
        id=UUID(made),
    )
    before = await traces(still_gate)
    refused = problem(await post(still_gate, key, f"/{made}/retry"), 409, "not_retryable")
    assert refused["state"] == state
    assert await traces(still_gate) == before


async def test_others_cannot_make_it_again(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    made = (await create(still_gate, ada)).json()["id"]
    await post(still_gate, ada, f"/{made}/cancel")
    problem(await post(still_gate, bob, f"/{made}/retry"), 404, "not_found")


async def test_a_thumbnail_is_a_picture(gate: Gateway) -> None:
    key = await gate.member()
    made = (await create(gate, key)).json()["id"]
    await gate.archived(made)
    answer = await gate.http.get(f"/api/v1/generations/{made}/thumbnail", headers={"API-KEY": key})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.content[8:12] == b"WEBP"
