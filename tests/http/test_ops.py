"""`/livez`, `/readyz`, `/metrics`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app import __version__
from app.db import jobs, migrate
from app.db.migrate import head_revision
from app.domain.operators import Pause
from app.operators import pauses
from app.telemetry import Metrics
from tests.harness import database
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway
from tests.harness.traces import execute
from tests.simulator.conftest import until

ROUTES = {
    "/media/{generation_id}", "/livez", "/readyz", "/metrics", "/api/features",
    "/api/results/{uuid}", "/api/v1/me", "/api/v1/generations",
    "/api/v1/generations/{generation_id}", "unmatched",
}  # fmt: skip


async def not_ready(gate: Gateway, failing: str) -> dict[str, Any]:
    """The one check that fails."""
    answer = await gate.http.get("/readyz")
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    found = answer.json()
    assert found["status"] == "not_ready"
    assert [name for name, check in found["checks"].items() if not check["ok"]] == [failing]
    check: dict[str, Any] = found["checks"][failing]
    return check


async def test_a_gateway_with_a_worker_is_ready(gate: Gateway) -> None:
    async def ready() -> bool:
        return (await gate.http.get("/readyz")).status_code == 200

    await until(ready)
    found = (await gate.http.get("/readyz")).json()
    assert (found["status"], found["version"]) == ("ready", __version__)
    assert {"database", "migrations", "worker"} <= set(found["checks"])
    assert head_revision() in found["checks"]["migrations"]["detail"]
    assert (await gate.http.head("/readyz")).status_code == 200


async def test_without_a_worker_it_is_not_ready_but_alive(still_gate: Gateway) -> None:
    check = await not_ready(still_gate, "worker")
    assert check["detail"] == "none registered"
    alive = await still_gate.http.get("/livez")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_a_worker_that_fell_silent_counts_as_none(gate: Gateway) -> None:
    async def ready() -> bool:
        return (await gate.http.get("/readyz")).status_code == 200

    await until(ready)
    await gate.stop_workers()
    await execute(
        gate,
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')",
    )
    # Seconds may go by between the two.
    assert re.search(r"last seen 36\d\d s ago", (await not_ready(gate, "worker"))["detail"])


async def test_while_it_stops_it_is_not_ready(still_gate: Gateway) -> None:
    still_gate.rt.drain()
    assert (await not_ready(still_gate, "process"))["detail"] == "stopping"
    assert (await still_gate.http.get("/livez")).status_code == 200


async def test_a_schema_that_is_behind_is_not_ready(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this version needs, the table of workers for one, may not be there yet."""
    monkeypatch.setattr(migrate, "known_revisions", lambda: frozenset({"0001", "0002"}))
    await execute(still_gate, "DROP TABLE procrastinate_workers CASCADE")
    answer = await still_gate.http.get("/readyz")
    assert answer.status_code == 503, answer.text
    check = answer.json()["checks"]["migrations"]
    assert check["ok"] is False
    assert check["detail"] == "at 0001, this version needs 0002"


async def test_a_schema_of_before_the_first_release_is_not_ready(still_gate: Gateway) -> None:
    """Its number alone would pass for that of a newer release."""
    await execute(still_gate, "UPDATE alembic_version SET version_num = '0008'")
    await execute(still_gate, "ALTER TABLE pauses RENAME TO switches")
    check = (await still_gate.http.get("/readyz")).json()["checks"]["migrations"]
    assert check["ok"] is False
    assert "before the first release" in check["detail"]
    assert (await still_gate.http.get("/metrics")).status_code == 200


async def test_a_database_that_was_never_migrated_is_not_ready(
    postgres: database.Server, tmp_path: Path
) -> None:
    async with gateway(postgres.named("postgres"), tmp_path, worker=False) as gate:
        answer = await gate.http.get("/readyz")
        assert answer.status_code == 503
        assert "at nothing" in answer.json()["checks"]["migrations"]["detail"]
        assert (await gate.http.get("/metrics")).status_code == 200


async def test_without_its_database_it_is_alive_not_ready_and_still_measured(
    postgres: database.Server, tmp_path: Path
) -> None:
    async with gateway(postgres.named("nowhere"), tmp_path, worker=False) as gate:
        assert (await not_ready(gate, "database"))["detail"] == "cannot be reached"
        assert (await gate.http.get("/livez")).status_code == 200
        measured = await gate.http.get("/metrics")
        assert measured.status_code == 200
        assert "reelgate_database_up 0.0" in measured.text
        refused = await gate.http.post(
            "/api/features", json=body(), headers={"API-KEY": "rg_" + "x" * 40}
        )
        assert (refused.status_code, refused.json()["errorCode"]) == (503, "UNAVAILABLE")
        assert refused.json()["retry_safe"] is True
        assert int(refused.headers["Retry-After"]) > 0
        assert "nowhere" not in refused.text


def samples(answer: httpx.Response) -> dict[str, list[dict[str, str]]]:
    """Metric → label sets, as Prometheus reads them."""
    assert answer.status_code == 200
    return {
        family.name: [sample.labels for sample in family.samples]
        for family in text_string_to_metric_families(answer.text)
    }


async def test_every_metric_is_there_after_a_video_was_made(gate: Gateway) -> None:
    key = await gate.member()
    answer = await gate.create(key)
    await gate.archived(answer.json()["aiRecord"]["uuid"])
    failed = await gate.create(key, body("a lion [sim:reset_after]"))
    await gate.closed(failed.json()["aiRecord"]["uuid"])
    found = samples(await gate.http.get("/metrics"))
    defined = {family.name for family in Metrics().registry.collect()}
    assert defined <= set(found)
    accepted = {"team": TEAM, "dialect": "onemin", "outcome": "accepted"}
    assert accepted in found["reelgate_admissions"]
    assert found["reelgate_build_info"] == [{"version": __version__}]
    assert {"state": "succeeded"} in found["reelgate_transitions"]
    called = {labels["operation"] for labels in found["reelgate_upstream_requests"]}
    assert {"submit", "result"} <= called


async def test_labels_stay_few_whatever_is_asked_for(still_gate: Gateway) -> None:
    key = await still_gate.member(rate_burst=100, max_open=100)
    for number in range(30):
        await still_gate.http.request(f"METHOD{number}", f"/nowhere/{number}")
        for path in (
            f"/{number}", f"/api/{number}", f"/api/v1/{number}", f"/api/results/{uuid4()}",
            f"/api/v1/generations/{uuid4()}", f"/media/{uuid4()}?sig={number}",
        ):  # fmt: skip
            await still_gate.http.get(path, headers={"API-KEY": key})
        await still_gate.create(key, body(f"film {number}"), idempotency_key=f"key-{number}")
    found = samples(await still_gate.http.get("/metrics"))
    requests = found["reelgate_http_requests"]
    assert {labels["route"] for labels in requests} <= ROUTES
    assert {labels["method"] for labels in requests} <= {"GET", "POST", "other"}
    for name, label_sets in found.items():
        assert len(label_sets) < 200, name
    written = str(found)
    assert key[:11] not in written
    assert "METHOD" not in written


async def test_the_gauges_read_the_database_now(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for _ in range(2):
        await still_gate.create(key)
    measured = (await still_gate.http.get("/metrics")).text
    assert 'reelgate_generations{state="queued"} 2.0' in measured
    assert f'reelgate_hold_credits{{dialect="onemin",team="{TEAM}"}} 300000.0' in measured
    assert 'reelgate_jobs{kind="submit",status="todo"} 2.0' in measured
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("DELETE FROM procrastinate_jobs"))
    assert 'reelgate_jobs{kind="submit"' not in (await still_gate.http.get("/metrics")).text


async def test_videos_and_credits_are_shown_by_team_and_dialect(gate: Gateway) -> None:
    north, south = await gate.member(team="north"), await gate.member(team="south")
    made = await gate.create(north)
    await gate.closed(made.json()["aiRecord"]["uuid"])
    failed = await gate.create(north, body("a lion [sim:fail_later]"))
    await gate.closed(failed.json()["aiRecord"]["uuid"])
    await gate.stop_workers()
    film = {"model": "sora-2", "prompt": "a lion", "seconds": "4", "size": "1280x720"}
    held = {"Authorization": f"Bearer {south}"}
    answer = await gate.http.post("/v1/videos", json=film, headers=held)
    assert answer.status_code == 200, answer.text
    found = figures_of(await gate.http.get("/metrics"))
    shown = {key: n for key, n in found.items() if key[1] in ("onemin north", "openai south")}
    assert shown == {
        ("reelgate_videos", "onemin north"): 1,
        ("reelgate_spent_credits", "onemin north"): 150_000,
        ("reelgate_hold_credits", "onemin north"): 0,
        ("reelgate_videos", "openai south"): 0,
        ("reelgate_spent_credits", "openai south"): 0,
        ("reelgate_hold_credits", "openai south"): 150_000,
    }


async def test_the_process_is_measured(still_gate: Gateway) -> None:
    found = figures_of(await still_gate.http.get("/metrics"))
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert found[name, ""] > 0, name
    assert any(name == "python_info" for name, _ in found)


async def test_refusals_are_counted_by_team_dialect_and_limit(still_gate: Gateway) -> None:
    busy = await still_gate.member("busy", team="north", max_open=1)
    poor = await still_gate.member("poor", team="south", credit_limit=1)
    assert (await still_gate.create(busy)).status_code == 202
    for _ in range(2):
        assert (await still_gate.create(busy)).status_code == 429
    assert (await still_gate.create(poor)).status_code == 402
    remote = {"Authorization": f"Bearer {poor}"}
    film = {"model": "sora-2", "prompt": "a lion", "seconds": "4", "size": "1280x720"}
    answer = await still_gate.http.post("/v1/videos", json=film, headers=remote)
    assert answer.json()["error"]["code"] == "insufficient_quota"
    found = figures_of(await still_gate.http.get("/metrics"))
    decided = {labels: n for (name, labels), n in found.items()
               if name == "reelgate_admissions_total"}  # fmt: skip
    assert decided == {
        "onemin accepted north": 1,
        "onemin max_open north": 2,
        "onemin member_credit_limit south": 1,
        "openai member_credit_limit south": 1,
    }


def figures_of(answer: httpx.Response) -> dict[tuple[str, str], float]:
    """(Metric, its label values) → value."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_alerts_look_for_is_counted_from_zero(still_gate: Gateway) -> None:
    """A counter that appears with its first event shows no increase by it."""
    found = figures_of(await still_gate.http.get("/metrics"))
    for name, label in (
        ("reelgate_archived_total", "lost"),
        ("reelgate_archived_total", "mismatch"),
        ("reelgate_transitions_total", "unknown"),
        ("reelgate_breaker_openings_total", "main"),
        *(("reelgate_rescued_total", kind) for kind in ("submitting", *jobs.Job)),
        *(("reelgate_rescued_total", f"{kind}_missing") for kind in jobs.Job),
    ):
        assert found[name, label] == 0, (name, label)


async def test_age_at_the_upstream_is_without_the_time_in_the_queue(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for _ in range(3):
        await still_gate.create(key)
    await execute(still_gate, "UPDATE generations SET created_at = now() - interval '3 hours'")
    for state, since in (("submitting", "submitted_at"), ("running", "running_at")):
        await execute(
            still_gate,
            f"UPDATE generations SET state = '{state}', attempt = gen_random_uuid(),"
            f" upstream_id = '{state}', {since} = now() - interval '10 minutes'"
            " WHERE id = (SELECT id FROM generations WHERE state = 'queued' LIMIT 1)",
        )
    found = figures_of(await still_gate.http.get("/metrics"))
    for state, seconds in (("queued", 10_800), ("submitting", 600), ("running", 600)):
        assert 0 <= found["reelgate_oldest_seconds", state] - seconds < 300, state


async def test_how_long_a_video_is_pending_is_told(still_gate: Gateway) -> None:
    key = await still_gate.member()
    assert (
        figures_of(await still_gate.http.get("/metrics"))["reelgate_assets_oldest_seconds", ""] == 0
    )
    for minutes, state in ((90, "pending"), (10, "pending"), (900, "lost")):
        uuid = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
        await execute(
            still_gate,
            "INSERT INTO assets (generation_id, team_id, kind, state, created_at)"
            f" SELECT id, team_id, 'video', '{state}', now() - interval '{minutes} minutes'"
            f" FROM generations WHERE id = '{uuid}'",
        )
    found = figures_of(await still_gate.http.get("/metrics"))
    assert found["reelgate_assets", "pending"] == 2
    assert 0 <= found["reelgate_assets_oldest_seconds", ""] - 5400 < 300


async def test_what_an_operator_has_to_mind_is_remarked_and_takes_nobody_out(gate: Gateway) -> None:
    async def remarks() -> dict[str, str]:
        answer = await gate.http.get("/readyz")
        checks = answer.json()["checks"]
        assert answer.status_code == 200, answer.text
        return {name: checks[name]["detail"] for name in ("paused", "upstream") if name in checks}

    async def ready() -> bool:
        return (await gate.http.get("/readyz")).status_code == 200

    await until(ready)
    assert await remarks() == {}
    for pause in Pause:
        await pauses.set_paused(gate.rt, pause, paused=True, reason="odd", actor="test")
    assert (await remarks())["paused"].startswith("admission and submission, by an operator")
    await pauses.set_paused(gate.rt, Pause.SUBMISSION, paused=False, reason=None, actor="test")
    assert (await remarks())["paused"].startswith("admission, by an operator")
    await gate.worker.upstream_key_ids_now()  # a worker that is ready may not have told them yet
    await execute(gate, "UPDATE upstream_keys SET state = 'set_aside', reason = 'rejected'")
    assert "no upstream key is in use" in (await remarks())["upstream"]


async def test_a_database_that_takes_no_writes_is_not_ready(
    still_gate: Gateway, database_url: str
) -> None:
    await execute(
        still_gate,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$",
    )
    await still_gate.rt.db.close()
    check = await not_ready(still_gate, "database")
    assert check["detail"] == "The database is read-only; see `reelgate doctor`"


async def test_a_database_that_grants_too_little_is_not_ready(still_gate: Gateway) -> None:
    await execute(still_gate, "CREATE ROLE little")
    try:
        await execute(
            still_gate,
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = little',"
            " current_database()); END $$",
        )
        await execute(still_gate, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO little")
        await still_gate.rt.db.close()
        check = await not_ready(still_gate, "database")
        assert "lacks privileges on api_keys, assets, audit_log" in check["detail"]
        assert "alembic_version" not in check["detail"]
    finally:
        await execute(still_gate, "SET ROLE postgres; DROP OWNED BY little; DROP ROLE little")


async def test_a_clock_that_is_not_the_databases_is_a_remark(
    database_url: str, tmp_path: Path
) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        assert "clock" not in (await gate.http.get("/readyz")).json()["checks"]
        clock.move(3600)
        check = (await gate.http.get("/readyz")).json()["checks"]["clock"]
        assert check["ok"] is True
        assert re.match(r"\+3[56]\d\d\.\d s from the database's", check["detail"])
