"""Whose record an answer is: one rule for submissions and look-ups, successes and failures."""

from __future__ import annotations

import contextlib
import html
import json
import unicodedata
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.db import generations, prompts
from app.domain.generation import State
from app.domain.operators import Outcome
from app.domain.prompts import marks_of, normal
from app.errors import InvalidRequest
from app.generations import lifecycle, unknown
from app.worker import polls, submissions
from tests.harness.gateway import Gateway, gateway
from tests.upstream.loopback import Connection, http, serving
from tests.worker.test_submissions import PRICE, created, used, work_of

OURS = "our prompt: an otter & her <pups> cross the Café square at dawn, " + "in rain, " * 15
THEIRS = "somebody else's prompt: a crane lifts the moon over M\u00fcnchen & nobody looks up, " * 3
LINK = "https://s3.us-east-1.amazonaws.com/asset.1min.ai/videos/v.mp4?X-Amz-Signature=s"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "NFD": lambda prompt: unicodedata.normalize("NFD", prompt),
    "escaped": html.escape,
    "lower case": str.lower,
    "cut": lambda prompt: prompt[:200],
}


def record(uuid: str, status: str, echo: str | None) -> dict[str, Any]:
    success = status == "SUCCESS"
    detail = {
        "promptObject": {} if echo is None else {"prompt": echo},
        "resultObject": ["videos/2025_11_26_15_36_08_840_865624.mp4"] if success else [],
    }
    return {
        "aiRecord": {
            "uuid": uuid, "status": status, "aiRecordDetail": detail,
            "temporaryUrl": LINK if success else None,
        }
    }  # fmt: skip


class Upstream:
    """Answers as a test says; `made` are the prompts it was sent."""

    def __init__(self) -> None:
        self.submission: Callable[[str], dict[str, Any]] = lambda _: record(
            str(uuid4()), "PROCESSING", None
        )
        self.result: Callable[[str], dict[str, Any]] = lambda uuid: record(uuid, "PROCESSING", None)
        self.made: list[str] = []
        self.looks = 0

    async def __call__(self, connection: Connection) -> None:
        request = await connection.request()
        if request.method == "POST":
            prompt = json.loads(request.body)["promptObject"]["prompt"]
            self.made.append(prompt)
            document = self.submission(prompt)
        else:
            self.looks += 1
            document = self.result(request.path.rpartition("/")[2])
        await connection.send(http(200, json.dumps(document).encode()))


@contextlib.asynccontextmanager
async def asking(
    database_url: str, folder: Path, **changes: Any
) -> AsyncIterator[tuple[Gateway, Upstream]]:
    """Without a worker: the test itself submits and polls."""
    upstream = Upstream()
    async with (
        serving(upstream) as server,
        gateway(database_url, folder, worker=False, **changes) as gate,
    ):
        gate.worker.upstream._base_url = server.url
        yield gate, upstream


async def submitted(gate: Gateway, key: str, prompt: str) -> str:
    uuid = await created(gate, key, prompt)
    await submissions.submit(gate.worker, UUID(uuid))
    return uuid


async def state_of(gate: Gateway, uuid: str) -> tuple[State, str | None]:
    work = await work_of(gate, uuid)
    return work.state, work.unknown_reason


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", ["PROCESSING", "SUCCESS", "FAILED"])
async def test_a_record_made_for_anothers_prompt_decides_nothing(
    database_url: str, tmp_path: Path, status: str, form: str
) -> None:
    """On a submission, held or not, and on a look-up."""
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        # Also one that is still queued; and a stranger to the one who asks.
        await created(gate, await gate.member("bo", team="rivals"), THEIRS)
        looked_up = await submitted(gate, key, OURS)
        echo = FORMS[form](THEIRS)
        upstream.result = lambda uuid: record(uuid, status, echo)
        await polls.poll(gate.worker, UUID(looked_up))
        upstream.submission = lambda _: record(str(uuid4()), status, echo)
        sent = await submitted(gate, key, OURS)
        for uuid in (looked_up, sent):
            assert await state_of(gate, uuid) == (State.UNKNOWN, "record_of_another")
        assert await used(gate, key) == 2 * PRICE
        assert upstream.made == [OURS, OURS]
        # Nobody asks again: only a person can tell.
        await polls.poll(gate.worker, UUID(looked_up))
        async with gate.rt.db.begin() as tx:
            await tx.execute(text("DELETE FROM procrastinate_jobs"))
            assert await generations.enqueue_missing(tx, unknown_seconds=1e6) == ["submit"]
        assert upstream.looks == 1


@pytest.mark.parametrize(
    "echo",
    [*(form(OURS) for form in FORMS.values()), "An otter, cinematic, 35 mm, golden hour", "", None,
     OURS + ", highly detailed"],
)  # fmt: skip
@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
async def test_an_echo_of_ours_or_of_nobody_is_taken(
    database_url: str, tmp_path: Path, status: str, echo: str | None
) -> None:
    state = State.SUCCEEDED if status == "SUCCESS" else State.FAILED
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        await created(gate, key, THEIRS)
        # Whoever asks for the same as we do is no stranger.
        await created(gate, key, OURS.upper())
        looked_up = await submitted(gate, key, OURS)
        upstream.result = lambda uuid: record(uuid, status, echo)
        await polls.poll(gate.worker, UUID(looked_up))
        upstream.submission = lambda _: record(str(uuid4()), status, echo)
        sent = await submitted(gate, key, OURS)
        for uuid in (looked_up, sent):
            assert await state_of(gate, uuid) == (state, None)


async def test_a_prompt_that_ours_begins_with_is_anothers_where_it_was_asked_for(
    database_url: str, tmp_path: Path
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        shorter = OURS[:120].strip()
        upstream.result = lambda uuid: record(uuid, "FAILED", shorter)
        first = await submitted(gate, key, OURS)
        await created(gate, key, shorter)
        await polls.poll(gate.worker, UUID(first))
        assert await state_of(gate, first) == (State.UNKNOWN, "record_of_another")


@pytest.mark.parametrize("repeated", [str.upper, str])
@pytest.mark.parametrize("status", ["PROCESSING", "SUCCESS", "FAILED"])
async def test_an_id_that_turns_up_twice_holds_both_back(
    database_url: str, tmp_path: Path, status: str, repeated: Callable[[str], str]
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        upstream.submission = lambda _: record(shared, "PROCESSING", None)
        first = await submitted(gate, key, OURS)
        upstream.submission = lambda _: record(repeated(shared), status, None)
        second = await submitted(gate, key, THEIRS)
        third = await submitted(gate, key, "a third")
        upstream.result = lambda uuid: record(uuid, "SUCCESS", None)
        for uuid in (first, second, third):
            await polls.poll(gate.worker, UUID(uuid))
            assert await state_of(gate, uuid) == (State.UNKNOWN, "upstream_id_repeated")
        assert upstream.looks == 0
        assert await used(gate, key) == 3 * PRICE


async def test_an_id_that_turns_up_with_another_key_holds_both_back_too(
    database_url: str, tmp_path: Path
) -> None:
    """Two keys may be of one account, and an id is the upstream's, not a key's."""
    keys = SecretStr("main=canary-upstream-key-0001,spare=canary-upstream-key-0002")
    async with asking(database_url, tmp_path, onemin_api_key=keys) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        upstream.submission = lambda _: record(shared, "PROCESSING", None)
        both = [await submitted(gate, key, prompt) for prompt in (OURS, THEIRS)]
        assert len({(await work_of(gate, uuid)).upstream_key_id for uuid in both}) == 2
        for uuid in both:
            assert await state_of(gate, uuid) == (State.UNKNOWN, "upstream_id_repeated")


@pytest.mark.parametrize("status", ["PROCESSING", "SUCCESS", "FAILED"])
async def test_a_late_answer_that_is_anothers_decides_nothing(
    database_url: str, tmp_path: Path, status: str
) -> None:
    """The worker was taken for dead meanwhile; without an echo, the answer would be taken."""
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        await created(gate, key, THEIRS)
        upstream.submission = lambda _: record(str(uuid4()), status, THEIRS)
        echoed = await submitted_late(gate, key, OURS)
        assert await state_of(gate, echoed) == (State.UNKNOWN, "worker_died")
        assert (await work_of(gate, echoed)).upstream_id is None
        upstream.submission = lambda _: record(shared, "PROCESSING", None)
        first = await submitted(gate, key, "a first")
        upstream.submission = lambda _: record(shared.upper(), status, None)
        repeated = await submitted_late(gate, key, "a second")
        assert await state_of(gate, first) == (State.UNKNOWN, "upstream_id_repeated")
        assert await state_of(gate, repeated) == (State.UNKNOWN, "worker_died")
        upstream.submission = lambda _: record(str(uuid4()), status, None)
        ours = await submitted_late(gate, key, "a third")
        states = {"PROCESSING": State.UNKNOWN, "SUCCESS": State.SUCCEEDED, "FAILED": State.FAILED}
        assert (await state_of(gate, ours))[0] is states[status]
        assert await used(gate, key) == (5 if status != "FAILED" else 4) * PRICE


async def submitted_late(gate: Gateway, key: str, prompt: str) -> str:
    uuid = await created(gate, key, prompt)
    claim = await submissions._claim(gate.worker, UUID(uuid), uuid4())
    assert claim is not None
    answer = await gate.worker.upstream.submit("main", claim.model, claim.work.spec, run_async=True)
    async with lifecycle.begin(gate.worker) as transaction:
        await lifecycle.mark_unknown(
            transaction, claim.work, attempt=claim.attempt, reason="worker_died"
        )
    await submissions.record(gate.worker, claim, answer)
    return uuid


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
@pytest.mark.parametrize(
    ("echo", "theirs"), [(THEIRS, True), (OURS, False), (html.escape(OURS.lower()), False)]
)
async def test_a_record_that_an_operator_names_is_held_to_the_same_rule(
    database_url: str, tmp_path: Path, status: str, echo: str, theirs: bool
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        upstream.submission = lambda _: record(shared, "PROCESSING", None)
        other = await submitted(gate, key, THEIRS)
        upstream.submission = lambda _: {}
        ours = await submitted(gate, key, OURS)
        assert await state_of(gate, ours) == (State.UNKNOWN, "no_record")
        with pytest.raises(InvalidRequest, match="another generation has this record"):
            await name_record(gate, ours, shared.upper())
        assert (await state_of(gate, other))[0] is State.RUNNING
        upstream.result = lambda uuid: record(uuid.lower(), status, echo)
        await name_record(gate, ours, str(uuid4()).upper())
        await polls.poll(gate.worker, UUID(ours))
        ended = State.SUCCEEDED if status == "SUCCESS" else State.FAILED
        expected = (State.UNKNOWN, "record_of_another") if theirs else (ended, None)
        assert await state_of(gate, ours) == expected


async def name_record(gate: Gateway, uuid: str, upstream_id: str) -> None:
    await unknown.resolve(
        gate.worker, UUID(uuid), Outcome.FOUND, reason="seen", actor="op", upstream_id=upstream_id
    )


async def test_a_look_up_that_was_on_its_way_does_not_end_what_is_disputed(
    database_url: str, tmp_path: Path
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        upstream.submission = lambda _: record(shared, "PROCESSING", None)
        first = await submitted(gate, key, OURS)
        stale = await work_of(gate, first)
        answer = await gate.worker.upstream.result("main", shared)
        await submitted(gate, key, THEIRS)
        upstream.result = lambda uuid: record(uuid, "SUCCESS", None)
        answer = await gate.worker.upstream.result("main", shared)
        await polls.record(gate.worker, stale, answer)
        assert await state_of(gate, first) == (State.UNKNOWN, "upstream_id_repeated")


async def test_one_that_has_ended_is_not_disputed_any_more(
    database_url: str, tmp_path: Path
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, shared = await gate.member(), str(uuid4())
        upstream.submission = lambda _: record(shared, "SUCCESS", None)
        first = await submitted(gate, key, OURS)
        second = await submitted(gate, key, THEIRS)
        assert await state_of(gate, first) == (State.SUCCEEDED, None)
        assert await state_of(gate, second) == (State.UNKNOWN, "upstream_id_repeated")


async def test_a_record_that_became_anothers_gives_no_fresh_link(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.worker import downloads

    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        await created(gate, key, THEIRS)
        upstream.submission = lambda _: record(str(uuid4()), "SUCCESS", OURS)
        work = await work_of(gate, await submitted(gate, key, OURS))
        upstream.result = lambda uuid: record(uuid, "SUCCESS", OURS)
        assert await downloads._fresh_link(gate.worker, work) == LINK
        upstream.result = lambda uuid: record(uuid, "SUCCESS", THEIRS)
        with pytest.raises(downloads.NotArchived, match="record_of_another"):
            await downloads._fresh_link(gate.worker, work)


async def test_whose_prompt_it_is_costs_one_look_into_an_index(gate: Gateway) -> None:
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("SET enable_seqscan = off"))
        marks = marks_of(normal(OURS))
        plan = await tx.execute(
            text(
                "EXPLAIN SELECT FROM generations WHERE prompt_head = :head"
                " AND prompt_digest = :digest AND id <> :id"
            ),
            {"head": marks.head, "digest": marks.digest, "id": uuid4()},
        )
        shown = "\n".join(str(row[0]) for row in plan)
        assert "generations_prompt_idx" in shown
        assert "Index Cond: ((prompt_head = " in shown
        assert "AND (prompt_digest = " in shown
        assert not await prompts.is_known(tx, marks, besides=uuid4())
