"""Resolving what nobody knows: by an operator, with a reason, once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import jobs, transitions
from app.domain.caller import Role
from app.domain.generation import FailureCode, State
from app.domain.ids import video_id
from app.domain.operators import Outcome
from app.errors import InvalidRequest, NotFound, NotUnknown
from app.generations import lifecycle, unknown
from app.upstream.answers import Failed, Succeeded
from app.videos import verify
from app.worker import polls, submissions
from tests.harness.gateway import TEAM, Gateway
from tests.worker.test_submissions import PRICE, created, used


async def unknown_one(gate: Gateway, key: str, prompt: str = "a wave") -> str:
    await gate.simulator.fault("reset_after")
    uuid = await created(gate, key, prompt)
    assert (await gate.closed(uuid)).state is State.UNKNOWN
    return uuid


async def audit(gate: Gateway) -> list[tuple[str, str, Any]]:
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(
            text("SELECT action, subject, detail FROM audit_log WHERE actor = 'op' ORDER BY id")
        )
        return [(row.action, row.subject, row.detail) for row in rows]


async def film_of(gate: Gateway, key: str) -> tuple[str, bytes]:
    """A link of the upstream's and the bytes behind it."""
    answer = await gate.simulator.http.post(
        "/api/features",
        json={"type": "TEXT_TO_VIDEO", "model": "luma", "promptObject": {
            "prompt": "found again", "modelName": "ray-v3", "duration": "5s"}},
    )  # fmt: skip
    link = answer.json()["aiRecord"]["temporaryUrl"]
    return link, (await gate.simulator.http.get(link)).content


async def test_not_made_releases_the_hold(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    assert await used(gate, key) == PRICE
    await unknown.resolve(
        gate.rt, as_id(uuid), Outcome.NOT_MADE, reason="not in their list", actor="op"
    )
    generation = await gate.closed(uuid)
    assert (generation.state, generation.error_code) == (State.FAILED, "not_made")
    assert await used(gate, key) == 0
    detail = {"outcome": "not_made", "reason": "not in their list"}
    assert await audit(gate) == [("unknown.resolve", uuid, detail)]


async def test_lost_settles_the_hold(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    await unknown.resolve(gate.rt, as_id(uuid), Outcome.LOST, reason="billed", actor="op")
    generation = await gate.closed(uuid)
    assert (generation.state, generation.settled) == (State.FAILED, PRICE)
    assert await used(gate, key) == PRICE


async def test_delivered_by_link_settles_and_archives(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    link, film = await film_of(gate, key)
    await unknown.resolve(
        gate.rt,
        as_id(uuid),
        Outcome.DELIVERED,
        reason="found",
        link=link,
        actor="op",
        downloads=gate.rt.downloads,
    )
    generation = await gate.archived(uuid)
    assert generation.state is State.SUCCEEDED
    assert generation.asset is not None
    assert generation.asset.size_bytes == len(film)
    assert await used(gate, key) == PRICE


async def test_delivered_by_file_is_in_the_archive_at_once(gate: Gateway, tmp_path: Path) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    _, film = await film_of(gate, key)
    file = tmp_path / "found.mp4"
    file.write_bytes(film)
    await unknown.resolve(
        gate.rt, as_id(uuid), Outcome.DELIVERED, reason="found", file=file, actor="op"
    )
    answer = await gate.http.get(f"/api/v1/generations/{uuid}/content", headers={"API-KEY": key})
    assert (answer.status_code, answer.content) == (200, film)


async def test_found_by_its_upstream_id_is_polled_to_its_end(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    (sent,) = (await gate.simulator.summary())["submissions"]
    await unknown.resolve(
        gate.rt, as_id(uuid), Outcome.FOUND, reason="seen", upstream_id=sent["uuid"], actor="op"
    )
    generation = await gate.archived(uuid)
    assert (generation.state, generation.settled) == (State.SUCCEEDED, PRICE)
    detail = {"outcome": "found", "reason": "seen", "upstream_id": sent["uuid"]}
    assert await audit(gate) == [("unknown.resolve", uuid, detail)]


async def test_what_another_record_says_ends_nothing_once_the_right_one_is_named(
    still_gate: Gateway,
) -> None:
    """A look was on its way when an operator named the record that was paid for."""
    key = await still_gate.member()
    uuid = as_id(await created(still_gate, key))
    await submissions.submit(still_gate.worker, uuid)
    async with lifecycle.begin(still_gate.rt) as transaction:
        tx = transaction.tx
        looking = await transitions.find_work(tx, uuid)
        assert looking is not None
        assert await lifecycle.mark_unknown(transaction, looking, attempt=None, reason="deadline")
        # Somebody else's next look is hours away, and stays so.
        await tx.execute(
            text("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
        )
        await jobs.enqueue(tx, jobs.Job.POLL, uuid4(), at=datetime.now(UTC) + timedelta(hours=1))
    await unknown.resolve(
        still_gate.rt, uuid, Outcome.FOUND, reason="seen", upstream_id="another", actor="op"
    )
    for answer in (
        Failed(code=FailureCode.UPSTREAM_FAILED, message="No video."),
        Succeeded(upstream_id=None, paths=("a.mp4",), link=None),
    ):
        await polls.record(still_gate.worker, looking, answer)
        assert (await still_gate.generation(uuid)).state is State.UNKNOWN
    assert await used(still_gate, key) == PRICE
    async with still_gate.rt.db.single() as tx:
        due = await tx.execute(
            text(
                "SELECT args->>'subject_id' AS id FROM procrastinate_jobs"
                " WHERE queue_name = 'poll' AND scheduled_at <= now()"
            )
        )
        assert [row.id for row in due] == [str(uuid)]


async def test_a_record_that_another_generation_has_is_refused(gate: Gateway) -> None:
    key = await gate.member()
    other = await created(gate, key, "a lake")
    await gate.closed(other)
    (sent,) = (await gate.simulator.summary())["submissions"]
    uuid = await unknown_one(gate, key)
    for taken_or_none in (sent["uuid"], "../account", ""):
        with pytest.raises(InvalidRequest):
            await unknown.resolve(
                gate.rt, as_id(uuid), Outcome.FOUND, reason="seen", upstream_id=taken_or_none,
                actor="op",
            )  # fmt: skip
    assert (await gate.generation(as_id(uuid))).state is State.UNKNOWN


async def test_a_file_that_is_no_video_changes_nothing(gate: Gateway, tmp_path: Path) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    file = tmp_path / "note.mp4"
    file.write_bytes(b"not a video")
    with pytest.raises(InvalidRequest):
        await unknown.resolve(
            gate.rt, as_id(uuid), Outcome.DELIVERED, reason="found", file=file, actor="op"
        )
    assert (await gate.closed(uuid)).state is State.UNKNOWN
    assert await audit(gate) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("link_gone", "status 403"),
        ("download_not_mp4", "an MP4"),
        ("download_empty", "an MP4"),
        ("reset_before", "cannot be followed"),
    ],
)
async def test_a_link_that_brings_no_video_changes_nothing(
    gate: Gateway, fault: str, said: str
) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    link, _ = await film_of(gate, key)
    await gate.simulator.fault(fault, match={"path": "download"})
    with pytest.raises(InvalidRequest, match=said) as refusal:
        await unknown.resolve(
            gate.rt,
            as_id(uuid),
            Outcome.DELIVERED,
            reason="found",
            link=link,
            actor="op",
            downloads=gate.rt.downloads,
        )
    assert link not in str(refusal.value)
    assert (await gate.closed(uuid)).state is State.UNKNOWN
    assert await audit(gate) == []
    # Mended, or the right one, it is taken.
    await unknown.resolve(
        gate.rt,
        as_id(uuid),
        Outcome.DELIVERED,
        reason="found",
        link=link,
        actor="op",
        downloads=gate.rt.downloads,
    )
    assert (await gate.archived(uuid)).asset is not None


async def test_of_several_that_bring_a_file_one_is_kept(gate: Gateway, tmp_path: Path) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    _, film = await film_of(gate, key)
    file = tmp_path / "found.mp4"
    file.write_bytes(film)
    ended = await asyncio.gather(
        *(
            unknown.resolve(
                gate.rt, as_id(uuid), Outcome.DELIVERED, reason="found", file=file, actor="op"
            )
            for _ in range(3)
        ),
        return_exceptions=True,
    )
    refused = [type(each) for each in ended if isinstance(each, BaseException)]
    assert refused == [NotUnknown, NotUnknown]
    assert len(await audit(gate)) == 1
    assert await verify.find_orphans(gate.rt) == []
    assert (await verify.verify(gate.rt)).counts == {verify.Verdict.OK: 1}


@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        (Outcome.DELIVERED, {}),
        (Outcome.LOST, {"link": "https://s3.us-east-1.amazonaws.com/asset.1min.ai/a.mp4"}),
        (Outcome.DELIVERED, {"link": "https://evil.example/a.mp4"}),
        (Outcome.DELIVERED, {"link": "file:///etc/passwd"}),
        (Outcome.NOT_MADE, {"reason": "  "}),
        (Outcome.NOT_MADE, {"upstream_id": "u1"}),
        (Outcome.FOUND, {}),
    ],
)
async def test_what_does_not_fit_together_is_refused(
    gate: Gateway, outcome: Outcome, more: dict[str, Any]
) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    with pytest.raises(InvalidRequest):
        await unknown.resolve(
            gate.rt,
            as_id(uuid),
            outcome,
            **{"reason": "because", "actor": "op", **more},
            downloads=gate.rt.downloads,
        )
    assert (await gate.closed(uuid)).state is State.UNKNOWN


async def test_only_an_unknown_generation_can_be_resolved(gate: Gateway) -> None:
    key = await gate.member()
    uuid = await created(gate, key)
    await gate.closed(uuid)
    with pytest.raises(NotUnknown):
        await unknown.resolve(gate.rt, as_id(uuid), Outcome.LOST, reason="why", actor="op")
    assert await used(gate, key) == PRICE
    nobody = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound):
        await unknown.resolve(gate.rt, as_id(nobody), Outcome.LOST, reason="why", actor="op")


async def test_operators_do_it_over_http_and_others_may_not(gate: Gateway) -> None:
    key = await gate.member()
    team_admin = await gate.member("boss", role=Role.ADMIN)
    operator = await gate.member("op", team="default", role=Role.ADMIN)
    uuid = await unknown_one(gate, key)
    path = f"/api/v1/admin/unknown/{uuid}/resolve"
    asked = {"outcome": "not_made", "reason": "asked support"}
    for stranger in (key, team_admin):
        refused = await gate.http.post(path, json=asked, headers={"API-KEY": stranger})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    headers = {"API-KEY": operator}
    listed = (await gate.http.get("/api/v1/admin/unknown", headers=headers)).json()
    assert [found["id"] for found in listed["data"]] == [uuid]
    ready = (await gate.http.get("/readyz")).json()
    assert ready["checks"]["unknown"]["detail"].startswith("1 generations")
    path = f"/api/v1/admin/unknown/{video_id(UUID(uuid))}/resolve"
    done = await gate.http.post(path, json=asked, headers=headers)
    assert (done.status_code, done.json()["state"]) == (200, "failed")
    again = await gate.http.post(path, json=asked, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "not_unknown")


@pytest.mark.parametrize("outcome", Outcome)
async def test_an_operator_sees_beforehand_what_an_outcome_does(
    gate: Gateway, outcome: Outcome
) -> None:
    key = await gate.member()
    operator = {"API-KEY": await gate.member("op", team="default", role=Role.ADMIN)}
    link, _ = await film_of(gate, key)
    uuid = await unknown_one(gate, key)
    (listed,) = (await gate.http.get("/api/v1/admin/unknown", headers=operator)).json()["data"]
    assert (listed["id"], listed["state"], listed["unknown_reason"]) == (uuid, "unknown", "reset")
    assert (listed["team"], listed["member"]) == (TEAM, "ada")
    assert listed["key_prefix"] == key[: len(listed["key_prefix"])] != key
    assert (listed["upstream_key"], listed["upstream_id"]) == ("main", None)
    since = datetime.fromisoformat(listed["unknown_since"])
    assert datetime.fromisoformat(listed["submitted_at"]) <= since <= datetime.now(UTC)
    credits_of = {each.pop("outcome"): each for each in listed["outcomes"]}
    assert list(credits_of) == list(Outcome)

    submissions = (await gate.simulator.summary())["submissions"]
    asked = {"outcome": outcome, "reason": "looked"}
    if outcome is Outcome.DELIVERED:
        asked["link"] = link
    elif outcome is Outcome.FOUND:
        # Whatever the upstream will say: no worker asks it now.
        await gate.stop_workers()
        asked["upstream_id"] = next(s["uuid"] for s in submissions if s["prompt"] == "a wave")
    path = f"/api/v1/admin/unknown/{uuid}/resolve"
    done = await gate.http.post(path, json=asked, headers=operator)
    assert done.status_code == 200, done.text
    settled, held = done.json()["settled_credits"], done.json()["state"] == "unknown"
    assert credits_of[outcome] == {
        "settled_credits": settled or 0,
        "released_credits": 0 if held else PRICE - settled,
        "held_credits": PRICE if held else 0,
    }


async def test_pausing_over_http_shows_in_the_gateway_document(still_gate: Gateway) -> None:
    gate = still_gate
    operator = await gate.member("op", team="default", role=Role.ADMIN)
    headers = {"API-KEY": operator}
    paused = await gate.http.post(
        "/api/v1/admin/pauses/submission/pause", json={"reason": "odd"}, headers=headers
    )
    assert paused.status_code == 200
    uuid = await created(gate, operator)
    seen = await gate.http.get(f"/api/v1/generations/{uuid}", headers=headers)
    assert seen.json()["waiting"] == {
        "queue_position": 1, "reason": "paused", "retry_after_seconds": 60,
    }  # fmt: skip
    assert seen.headers["Retry-After"] == "60"
    bad = await gate.http.post(
        "/api/v1/admin/pauses/all/pause", json={"reason": "odd"}, headers=headers
    )
    assert bad.status_code == 422
    resumed = await gate.http.post(
        "/api/v1/admin/pauses/submission/resume", json={"reason": "even"}, headers=headers
    )
    assert {s["name"]: s["paused"] for s in resumed.json()["data"]} == {
        "admission": False, "submission": False,
    }  # fmt: skip
    gate.start_worker()
    assert (await gate.closed(uuid)).state is State.SUCCEEDED


def as_id(uuid: str) -> UUID:
    return UUID(uuid)
