"""The own REST: one generation, its cancel, its content, and the caller's own figures."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.caller import Role
from app.domain.generation import Generation, State
from app.domain.limits import Limits
from app.generations import cancel
from app.members import members
from app.runtime import Runtime
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway, body
from tests.harness.traces import execute, one, traces, used_credits


async def make(gate: Gateway, key: str, prompt: str = "a lion", **options: Any) -> str:
    answer = await gate.create(key, body(prompt, **options))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["aiRecord"]["uuid"])


async def call(gate: Gateway, key: str, path: str, method: str = "GET") -> httpx.Response:
    return await gate.http.request(method, f"/api/v1{path}", headers={"API-KEY": key})


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (found["status"], found["code"]) == (status, code)
    assert found["type"] == f"urn:reelgate:error:{code}"
    assert found["title"]
    assert found["detail"]
    assert (found["billed"], found["retry_safe"]) == (False, True)
    assert found["request_id"] == answer.headers["X-Request-Id"]
    return found


async def test_a_queued_generation_shows_what_was_asked_and_nothing_more(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key, "a lion", resolution=None, loop=None)
    found = (await call(still_gate, key, f"/generations/{uuid}")).json()
    assert datetime.fromisoformat(found["created_at"]).tzinfo is not None
    me = (await call(still_gate, key, "/me")).json()
    expected = {
        "id": uuid,
        "object": "generation",
        "state": "queued",
        "feature": "TEXT_TO_VIDEO",
        "provider": "luma",
        "member_id": me["member_id"],
        "spec": {
            "prompt": "a lion", "model": "ray-v3", "duration": "5s", "aspect_ratio": "16:9",
            "resolution": None, "loop": None,
        },
        "quote_credits": 150_000,
        "settled_credits": None,
        "price": "default",
        "upstream_paths": [],
        "video": None,
        "error": None,
        "submitted_at": None,
        "finished_at": None,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


async def test_a_finished_generation_shows_its_file_and_what_it_cost(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await make(gate, key, duration="10s", aspectRatio="9:16")
    await gate.archived(uuid)
    found = (await call(gate, key, f"/generations/{uuid}")).json()
    video = found["video"]
    assert (found["state"], found["settled_credits"]) == ("succeeded", 150_000)
    assert (video["state"], video["content_type"]) == ("archived", "video/mp4")
    assert (video["width"], video["height"], video["codec"]) == (720, 1280, "h264")
    assert video["duration_seconds"] == pytest.approx(10, abs=0.2)
    assert video["mismatch"] is None
    content = await call(gate, key, f"/generations/{uuid}/content")
    assert content.status_code == 200
    assert len(content.content) == video["size_bytes"]
    assert hashlib.sha256(content.content).hexdigest() == video["sha256"]
    assert (await gate.http.get(video["url"])).content == content.content


async def test_content_answers_head_and_names_a_download(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await make(gate, key)
    await gate.archived(uuid)
    head = await call(gate, key, f"/generations/{uuid}/content", "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 1000
    named = await call(gate, key, f"/generations/{uuid}/content?download=true")
    assert named.headers["Content-Disposition"] == f'attachment; filename="{uuid}.mp4"'
    assert int(head.headers["Content-Length"]) == len(named.content)


async def test_content_before_there_is_any_is_409(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key)
    found = problem(await call(still_gate, key, f"/generations/{uuid}/content"), 409, "not_ready")
    assert found["state"] == "queued"


async def test_a_failed_generation_says_why(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await make(gate, key, "a lion [sim:failed_200]")
    await gate.closed(uuid)
    found = (await call(gate, key, f"/generations/{uuid}")).json()
    assert found["state"] == "failed"
    assert found["error"]["code"] == "upstream_failed"
    assert found["settled_credits"] == 0
    assert found["video"] is None


async def test_a_queued_generation_is_canceled_once_and_its_credits_are_free_again(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key)
    assert await used_credits(still_gate) == 150_000
    canceled = await call(still_gate, key, f"/generations/{uuid}/cancel", "POST")
    assert canceled.status_code == 200
    assert (canceled.json()["state"], canceled.json()["settled_credits"]) == ("canceled", 0)
    assert canceled.json()["error"]["code"] == "canceled"
    assert await used_credits(still_gate) == 0
    before = await traces(still_gate)
    again = await call(still_gate, key, f"/generations/{uuid}/cancel", "POST")
    assert (again.status_code, again.json()) == (200, canceled.json())
    assert await traces(still_gate) == before
    still_gate.start_worker()
    sent = await make(still_gate, key, "another")
    await still_gate.closed(sent)
    books = await still_gate.simulator.summary()
    assert [each["prompt"] for each in books["submissions"]] == ["another"]


async def test_of_two_cancels_at_once_neither_is_told_that_it_was_sent(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key)
    cancel_really = cancel.cancel

    async def behind_another(rt: Runtime, generation_id: UUID, **more: Any) -> Generation:
        assert (await cancel_really(rt, generation_id, **more)).state is State.CANCELED
        return await cancel_really(rt, generation_id, **more)

    monkeypatch.setattr(cancel, "cancel", behind_another)
    answer = await call(still_gate, key, f"/generations/{uuid}/cancel", "POST")
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")


@pytest.mark.parametrize("state", ["submitting", "running", "succeeded", "failed", "unknown"])
async def test_what_is_no_longer_queued_cannot_be_canceled(still_gate: Gateway, state: str) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key)
    await execute(
        still_gate,
        """
        UPDATE generations SET state = :state, upstream_id = 'u',
               finished_at = CASE WHEN :state IN ('succeeded', 'failed') THEN now() END
         WHERE id = :id
        """,
        state=state,
        id=UUID(uuid),
    )
    found = problem(
        await call(still_gate, key, f"/generations/{uuid}/cancel", "POST"), 409, "not_cancelable"
    )
    assert found["state"] == state
    row = await one(still_gate, "SELECT state FROM generations")
    assert row["state"] == state


async def test_other_peoples_generations_answer_like_unknown_ones(still_gate: Gateway) -> None:
    ada = await still_gate.member("ada")
    strangers = [
        await still_gate.member("bob"),
        await still_gate.member("eve", team="rivals", role=Role.ADMIN),
    ]
    uuid, unknown = await make(still_gate, ada), str(uuid4())
    for method, path in (("GET", ""), ("GET", "/content"), ("POST", "/cancel"), ("DELETE", "")):
        for stranger in strangers:
            details = [
                problem(
                    await call(still_gate, stranger, f"/generations/{each}{path}", method),
                    404, "not_found",
                )["detail"].replace(each, "")
                for each in (uuid, unknown)
            ]  # fmt: skip
            assert details[0] == details[1]
    assert (await call(still_gate, ada, f"/generations/{uuid}")).json()["state"] == "queued"


async def test_an_admin_sees_and_cancels_for_its_own_team(still_gate: Gateway) -> None:
    ada, boss = await still_gate.member("ada"), await still_gate.member("boss", role=Role.ADMIN)
    uuid = await make(still_gate, ada)
    seen = await call(still_gate, boss, f"/generations/{uuid}")
    assert seen.json()["id"] == uuid
    canceled = await call(still_gate, boss, f"/generations/{uuid}/cancel", "POST")
    assert canceled.json()["state"] == "canceled"
    assert (await call(still_gate, ada, f"/generations/{uuid}")).json()["state"] == "canceled"


async def test_an_id_that_is_none_is_422(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for wrong in ("1", "not-a-uuid", "%00"):
        found = problem(await call(still_gate, key, f"/generations/{wrong}"), 422,
                        "invalid_request")  # fmt: skip
        assert found["errors"][0]["field"] == "generation_id"


async def test_me_shows_who_calls_what_it_may_do_and_what_is_used(still_gate: Gateway) -> None:
    key = await still_gate.member(
        credit_limit=500_000, rate_per_minute=30, rate_burst=7, max_open=3
    )
    await make(still_gate, key)
    uuid = await make(still_gate, key)
    found = (await call(still_gate, key, "/me")).json()
    expected = {
        "name": "ada", "role": "MEMBER", "status": "ACTIVE", "max_open": 3, "open": 2,
    }  # fmt: skip
    assert found["credits"]["remaining_credits"] == 200_000
    assert found["credits"]["binding"] == {
        "account": "member", "credit_limit": 500_000, "granted_credits": 0,
        "used_credits": 300_000,
        "settled_credits": 0, "held_credits": 300_000, "remaining_credits": 200_000,
        "used_money": None, "remaining_money": None,
        "period": "none", "time_zone": "UTC", "resets_at": None,
    }  # fmt: skip
    assert [each["account"] for each in found["credits"]["accounts"]] == ["key", "member", "team"]
    assert {name: found[name] for name in expected} == expected
    assert (found["rate"]["per_minute"], found["rate"]["burst"]) == (30, 7)
    # A step of the rate is two seconds, and the two creates were just now.
    assert 5 <= found["rate"]["remaining"] <= 7
    assert 0 <= found["rate"]["reset_seconds"] <= 4
    assert found["team"]["name"] == TEAM
    await call(still_gate, key, f"/generations/{uuid}/cancel", "POST")
    await members.change_member(
        still_gate.rt, TEAM, "ada", limits=Limits(credit_limit=100_000), actor=TESTER
    )
    found = (await call(still_gate, key, "/me")).json()
    assert (found["credits"]["binding"]["used_credits"], found["open"]) == (150_000, 1)
    assert found["credits"]["remaining_credits"] == 0


async def test_a_path_names_every_method_it_takes(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for path, methods in (
        ("/generations", "GET, POST"),
        ("/generations/estimate", "POST"),
        (f"/generations/{uuid4()}", "GET, DELETE"),
        (f"/generations/{uuid4()}/content", "GET, HEAD"),
    ):
        refused = await call(still_gate, key, path, "PATCH")
        problem(refused, 405, "method_not_allowed")
        assert refused.headers["Allow"] == methods


async def test_metrics_know_routes_and_not_ids(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = await make(still_gate, key)
    await call(still_gate, key, f"/generations/{uuid}")
    metrics = (await still_gate.http.get("/metrics")).text
    assert 'route="/api/v1/generations/{generation_id}"' in metrics
    assert uuid not in metrics
