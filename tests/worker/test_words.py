"""The upstream's own words reach operators, and nobody else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from app.db import upstream_answers
from app.domain.caller import Role
from app.domain.generation import Generation, State
from app.domain.ids import video_id
from app.worker import polls, submissions
from tests.harness.gateway import UPSTREAM_KEY, Gateway, gateway
from tests.upstream.loopback import Connection, http, serving
from tests.videos.test_verify import reelgate
from tests.worker.test_submissions import created, work_of

OWNER = "Zdeněk Owner <owner@canary.example>"
TEAM = "canary-team-7a2b"
SIGNED = "https://s3.us-east-1.amazonaws.com/asset.1min.ai/v.mp4%3FX-Amz-Signature%3Dcanary-signed"
WORDS = f"{OWNER} of {TEAM} may not: {SIGNED}, key {UPSTREAM_KEY}"
CANARIES = ("Zdeněk", "canary", "Signature", UPSTREAM_KEY)
KEY = "videos/2026_01_02_03_04_05_678_901234.mp4"
LINK = f"https://s3.us-east-1.amazonaws.com/asset.1min.ai/{KEY}?X-Amz-Signature=canary-signed"

REFUSALS: dict[str, tuple[int, Any]] = {
    "field": (422, {
        "errorCode": "PROMPT_OBJECT_VALIDATION_FAILED", "message": WORDS,
        "details": [{"field": "promptObject.duration", "message": WORDS},
                    {"field": WORDS, "message": WORDS}],
    }),
    "bare": (400, {"statusCode": 400, "message": [WORDS], "error": WORDS}),
    "code": (400, {"errorCode": "UNSUPPORTED_MODEL", "message": WORDS}),
    "strange code": (400, {"errorCode": WORDS, "message": WORDS}),
    "moderation": (400, {"errorCode": "CONTENT_MODERATION", "message": WORDS}),
    "provider": (400, {"errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR", "message": WORDS,
                       "details": json.dumps({"response": {"status": 400, "data": WORDS}})}),
    "lost": (502, {"message": WORDS}),
}  # fmt: skip


def record(status: str, result: Any, link: str | None = None, uuid: str | None = None) -> Any:
    user = {"userName": OWNER, "teamId": TEAM}
    return {
        "aiRecord": {
            "uuid": uuid or str(uuid4()), "teamId": TEAM, "teamUser": user, "status": status,
            "aiRecordDetail": {"resultObject": result, "responseObject": {"raw": WORDS}},
            "temporaryUrl": link,
        }
    }  # fmt: skip


FAILED = record("FAILED", {"code": "X", "message": WORDS, "details": WORDS})
ODD = record("SUCCESS", [f"teams/{TEAM}/{OWNER}/v.mp4", SIGNED, "v.mp4%3FX-Amz=canary"], LINK)


class Upstream:
    """Answers everything with one status and document."""

    def __init__(self) -> None:
        self.says: tuple[int, Any] = (200, record("PROCESSING", []))

    async def __call__(self, connection: Connection) -> None:
        await connection.request()
        status, document = self.says
        await connection.send(http(status, json.dumps(document).encode()))


@contextlib.asynccontextmanager
async def asking(database_url: str, folder: Path) -> AsyncIterator[tuple[Gateway, Upstream]]:
    upstream = Upstream()
    async with (
        serving(upstream) as server,
        gateway(database_url, folder, worker=False) as gate,
    ):
        gate.worker.upstream._base_url = server.url
        yield gate, upstream


async def told(gate: Gateway, key: str, uuid: str) -> dict[str, Any]:
    """What each way of looking says to its owner."""
    headers = {"Authorization": f"Bearer {key}"}
    said = {}
    for path in (
        f"/api/v1/generations/{uuid}", f"/api/results/{uuid}",
        f"/v1/videos/{video_id(UUID(uuid))}", f"/dream-machine/v1/generations/{uuid}",
        f"/luma/v1/generations/{uuid}", f"/openrouter/api/v1/videos/{uuid}",
        "/api/v1/generations",
    ):  # fmt: skip
        answer = await gate.http.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        for canary in CANARIES:
            assert canary not in answer.text, path
            assert canary not in str(answer.headers), path
        said[path.split("/")[1]] = answer.json()
    return said


async def kept(gate: Gateway, uuid: str) -> str:
    async with gate.rt.db.single() as tx:
        found = await upstream_answers.find(tx, UUID(uuid))
    assert found is not None
    assert "canary" not in repr(found)
    return found.answer or ""


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_told_in_our_words_and_kept_in_its_own(
    database_url: str, tmp_path: Path, name: str
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        status, document = upstream.says = REFUSALS[name]
        with capture_logs() as logs:
            uuid = await created(gate, key)
            await submissions.submit(gate.worker, UUID(uuid))
        assert not [canary for canary in CANARIES if canary in str(logs)]
        said = await told(gate, key, uuid)
        failed = name != "lost"
        assert said["v1"]["status"] == ("failed" if failed else "in_progress")
        if name == "field":
            message = "The upstream refused these options of the request: duration."
            assert said["api"]["data"][0]["error"]["message"] == message
            assert said["dream-machine"]["failure_reason"] == message
        own = json.dumps(document, ensure_ascii=False).replace(UPSTREAM_KEY, "[key]")
        assert await kept(gate, uuid) == f"{status} {own}"


@pytest.mark.parametrize("document", [FAILED, ODD], ids=["failure", "success"])
@pytest.mark.parametrize("point", ["submission", "look-up", "late"])
async def test_what_a_record_says_is_kept_whichever_answer_brings_it(
    database_url: str, tmp_path: Path, document: Any, point: str
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        with capture_logs() as logs:
            uuid = await created(gate, key)
            if point == "submission":
                upstream.says = (200, document)
                await submissions.submit(gate.worker, UUID(uuid))
            else:
                if point == "late":
                    upstream.says = (502, {})
                    await submissions.submit(gate.worker, UUID(uuid))
                    assert (await work_of(gate, uuid)).state is State.UNKNOWN
                    await _name_record(gate, uuid, str(uuid4()))
                else:
                    await submissions.submit(gate.worker, UUID(uuid))
                asked = (await work_of(gate, uuid)).upstream_id
                upstream.says = (200, {"aiRecord": {**document["aiRecord"], "uuid": asked}})
                await polls.poll(gate.worker, UUID(uuid))
        assert not [canary for canary in CANARIES if canary in str(logs)]
        said = await told(gate, key, uuid)
        failed = document is FAILED
        assert said["v1"]["status"] == ("failed" if failed else "completed")
        assert said["api"]["data"][0]["upstream_paths"] == ([] if failed else [KEY])
        answer = await kept(gate, uuid)
        assert OWNER in answer
        assert failed or LINK in answer
        assert UPSTREAM_KEY not in answer


async def _name_record(gate: Gateway, uuid: str, upstream_id: str) -> None:
    operator = await gate.member("op", team="default", role=Role.ADMIN)
    named = await gate.http.post(
        f"/api/v1/admin/unknown/{uuid}/resolve", headers={"API-KEY": operator},
        json={"outcome": "found", "reason": "seen", "upstream_id": upstream_id},
    )  # fmt: skip
    assert named.status_code == 200, named.text


async def test_operators_read_it_over_http_and_others_may_not(
    database_url: str, tmp_path: Path
) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key, boss = await gate.member(), await gate.member("boss", role=Role.ADMIN)
        operator = await gate.member("op", team="default", role=Role.ADMIN)
        upstream.says = REFUSALS["bare"]
        uuid = await created(gate, key)
        path = f"/api/v1/admin/generations/{uuid}/upstream-answer"
        before = await gate.http.get(path, headers={"API-KEY": operator})
        assert (before.json()["state"], before.json()["answer"]) == ("queued", None)
        await submissions.submit(gate.worker, UUID(uuid))
        for stranger in (key, boss):
            refused = await gate.http.get(path, headers={"API-KEY": stranger})
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        seen = (await gate.http.get(path, headers={"API-KEY": operator})).json()
        assert (seen["error_code"], seen["upstream_key"]) == ("upstream_refused", "main")
        assert seen["answer"].startswith("400 {")
        assert OWNER in seen["answer"]
        missing = await gate.http.get(
            path.replace(uuid, str(uuid4())), headers={"API-KEY": operator}
        )
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_operators_read_it_on_the_command_line(database_url: str, tmp_path: Path) -> None:
    async with asking(database_url, tmp_path) as (gate, upstream):
        key = await gate.member()
        upstream.says = (502, "\x1b[31mBad gateway \u202eof " + OWNER)
        uuid = await created(gate, key)
        await submissions.submit(gate.worker, UUID(uuid))
        code, said = await reelgate(gate, "upstream", "answer", uuid)
        assert code == 0, said
        (row,) = [line for line in said.splitlines() if line.startswith("unknown")]
        assert "http_502" in row
        assert f"Bad gateway  of {OWNER}" in said
        assert "\x1b" not in said
        code, said = await reelgate(gate, "upstream", "answer", await created(gate, key))
        assert (code, "Nothing is stored: " in said) == (0, True)
        code, said = await reelgate(gate, "upstream", "answer", str(uuid4()))
        assert (code, said.startswith("reelgate: There is no generation ")) == (1, True)


def test_what_a_dialect_a_webhook_or_a_stream_shows_has_no_place_for_it() -> None:
    """All of them are made of this."""
    assert "upstream_answer" not in {field.name for field in fields(Generation)}
