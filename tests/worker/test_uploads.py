"""What a generation is made of is uploaded before its attempt begins. An upload costs nothing, and
a generation is never sent through a key whose account does not have its image."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.domain.generation import State
from app.simulator.accounts import fingerprint
from app.videos.store import ArchiveUnavailable
from app.worker import submissions, turns, uploads
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute, one
from tests.inputs.calling import made_of, uploaded
from tests.inputs.test_uploads import archive
from tests.worker.test_submissions import submissions_of, used

PROMPT = "it begins to move"


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_RETRY_SECONDS", 0.01)


async def asked(gate: Gateway, key: str, **options: Any) -> str:
    document = await uploaded(gate, key)
    return await made_of(gate, key, document["id"], **options)


async def uploads_of(gate: Gateway) -> dict[str, int]:
    found: dict[str, int] = (await gate.simulator.summary())["outcomes"]["assets"]
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("http_500", {}), ("http_502", {}), ("http_524", {}), ("html_200", {}),
        ("reset_before", {}), ("half_body", {}), ("rate_limited", {"retry_after": 1}),
        ("rate_limited", {"bare": True}), ("challenge_403", {}),
    ],
)  # fmt: skip
async def test_an_upload_that_fails_is_repeated_and_costs_nothing(
    gate: Gateway, quickly: None, name: str, options: dict[str, Any]
) -> None:
    key = await gate.member()
    await gate.simulator.fault(name, {"path": "assets"}, **options)
    made = await asked(gate, key)
    generation = await gate.closed(made)
    assert generation.state is State.SUCCEEDED
    assert len(await submissions_of(gate, PROMPT)) == 1
    assert sum((await uploads_of(gate)).values()) == 2
    row = await one(gate, "SELECT attempts, last_error, upstream_path FROM input_uploads")
    assert (row["attempts"], row["last_error"]) == (2, None)
    assert row["upstream_path"].startswith("development/images/")


async def test_uploads_in_vain_end_and_nothing_is_paid(
    gate: Gateway, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_ATTEMPTS", 3)
    key = await gate.member()
    await gate.simulator.fault("http_503", {"path": "assets"}, times=None)
    made = await asked(gate, key)
    generation = await gate.closed(made)
    assert (generation.state, generation.error_code) == (State.FAILED, "upstream_unavailable")
    assert await used(gate, key) == 0
    assert await submissions_of(gate, PROMPT) == []
    assert await uploads_of(gate) == {"http_503": 3}


async def test_a_file_that_the_upstream_does_not_take_fails_it_at_once(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("status", {"path": "assets"}, status=400, body={"message": "no"})
    made = await asked(gate, key)
    generation = await gate.closed(made)
    assert (generation.state, generation.error_code) == (State.FAILED, "input_unusable")
    assert generation.settled == 0
    assert await used(gate, key) == 0
    assert await submissions_of(gate, PROMPT) == []


async def test_an_image_that_is_gone_fails_it_before_anything_is_sent(gate: Gateway) -> None:
    await gate.stop_workers()
    key = await gate.member()
    made = await asked(gate, key)
    [file] = archive(gate)
    (gate.rt.settings.data_dir / "archive" / file).unlink()
    gate.start_worker()
    generation = await gate.closed(made)
    assert (generation.state, generation.error_code) == (State.FAILED, "input_unusable")
    assert await used(gate, key) == 0
    assert (await gate.simulator.summary())["submissions"] == []


async def test_an_archive_that_is_away_is_waited_for(
    gate: Gateway, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gate.stop_workers()
    key = await gate.member()
    made = await asked(gate, key)
    read, times = gate.worker.archive.read, 0

    async def flaky(*args: Any) -> Any:
        nonlocal times
        times += 1
        if times < 3:
            raise ArchiveUnavailable("no connection")
        async for block in read(*args):
            yield block

    monkeypatch.setattr(gate.worker.archive, "read", flaky)
    gate.start_worker()
    assert (await gate.closed(made)).state is State.SUCCEEDED
    assert len(await submissions_of(gate, PROMPT)) == 1


async def test_a_generation_that_is_canceled_during_its_upload_is_not_sent(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await gate.member()
    begun, go_on = asyncio.Event(), asyncio.Event()
    upload = gate.worker.upstream.upload

    async def held(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await upload(*args)

    monkeypatch.setattr(gate.worker.upstream, "upload", held)
    made = await asked(gate, key)
    async with asyncio.timeout(60):
        await begun.wait()
    answer = await gate.http.post(f"/api/v1/generations/{made}/cancel", headers={"API-KEY": key})
    assert answer.status_code == 200
    go_on.set()
    await gate.stop_workers()
    assert (await gate.closed(made)).state is State.CANCELED
    assert (await gate.simulator.summary())["submissions"] == []
    assert await used(gate, key) == 0


KEYS = SecretStr("one=canary-upstream-one,two=canary-upstream-two")


async def accounts_of(gate: Gateway) -> tuple[set[str], set[str]]:
    """The accounts that got uploads, and those that got submissions."""
    rows = await one(
        gate,
        "SELECT array_agg(k.fingerprint) FILTER (WHERE u.upstream_path IS NOT NULL) AS found"
        " FROM input_uploads u JOIN upstream_keys k ON k.id = u.upstream_key_id",
    )
    sent = {each["key_fingerprint"] for each in (await gate.simulator.summary())["submissions"]}
    return set(rows["found"] or ()), sent


async def test_a_generation_that_moves_to_another_key_is_uploaded_there(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, onemin_api_key=KEYS) as gate:
        key = await gate.member()
        # Whichever key is first: its account refuses the submission as rejected.
        await gate.simulator.fault("key_inactive", {"path": "features"})
        made = await asked(gate, key)
        assert (await gate.closed(made)).state is State.SUCCEEDED
        assert await uploads_of(gate) == {"stored": 2}
        there, sent = await accounts_of(gate)
        assert there == {fingerprint("canary-upstream-one"), fingerprint("canary-upstream-two")}
        assert len(await submissions_of(gate, PROMPT)) == 2
        assert sent == there


async def test_a_key_that_is_rejected_at_the_upload_is_set_aside(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, onemin_api_key=KEYS) as gate:
        key = await gate.member()
        await gate.simulator.fault("key_deleted", {"path": "assets"})
        made = await asked(gate, key)
        assert (await gate.closed(made)).state is State.SUCCEEDED
        rows = await one(
            gate, "SELECT array_agg(state ORDER BY state) AS states FROM upstream_keys"
        )
        assert rows["states"] == ["active", "set_aside"]
        assert len(await submissions_of(gate, PROMPT)) == 1


async def test_a_return_to_the_queue_uploads_nothing_again(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("rate_limited", {"path": "features"}, retry_after=1)
    made = await asked(gate, key)
    assert (await gate.closed(made)).state is State.SUCCEEDED
    assert await uploads_of(gate) == {"stored": 1}
    assert len(await submissions_of(gate, PROMPT)) == 2


async def test_uploads_take_from_the_budget_of_the_key(gate: Gateway) -> None:
    key = await gate.member()
    made = await asked(gate, key)
    await gate.archived(made)
    await gate.stop_workers()
    row = await one(gate, "SELECT minute_requests AS counted FROM upstream_keys")
    summary = await gate.simulator.summary()
    # Whatever minute it is by now: none is counted that was not sent, and the upload is.
    assert 0 < row["counted"] <= sum(summary["requests"].values())
    assert summary["requests"]["assets"] == 1


async def test_an_upload_is_no_trial_of_a_half_open_breaker(gate: Gateway) -> None:
    await gate.stop_workers()
    key = await gate.member()
    made = await asked(gate, key)
    await gate.worker.upstream_key_ids_now()
    await execute(gate, "UPDATE upstream_keys SET breaker = 'half_open', breaker_probes = 1")
    gate.start_worker()
    assert (await gate.closed(made)).state is State.SUCCEEDED
    row = await one(gate, "SELECT breaker FROM upstream_keys")
    assert row["breaker"] == "closed"


async def test_a_refused_upload_does_not_fail_what_another_worker_has_sent(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may run twice at once. Only one of them sends, and the other's bad luck changes nothing
    about what was sent."""
    await gate.stop_workers()
    key = await gate.member()
    made = await asked(gate, key)
    await gate.simulator.fault("never_finish")
    generation = (await one(gate, "SELECT id FROM generations"))["id"]
    step = await uploads._next(gate.worker, generation)
    assert isinstance(step, uploads._Step)
    await submissions.submit(gate.worker, generation)
    assert str((await gate.generation(generation)).state) == "running"
    assert await uploads._end(gate.worker, step, "The upstream did not take the image") is False
    assert str((await gate.generation(generation)).state) == "running"
    assert made == str(generation)
