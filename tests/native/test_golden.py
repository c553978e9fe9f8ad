"""The native wire from end to end, one file for each case.

A file whose name begins with `error_` is the body of a create, a line of dashes, and the status and
body it is refused with. Any other is a create, dashes, what it becomes (our Spec and the request
that goes upstream), dashes, an answer of the upstream (`POST status` or `GET status`, an empty
line, the body; empty: there was none yet), dashes, and our reply. REWRITE_GOLDEN=1 writes what the
program makes of it anew, to be reviewed.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.dialects.onemin import wire
from app.domain.assets import AssetState
from app.domain.caller import Caller, Role, Status
from app.domain.catalog.catalog import BUILT_IN
from app.domain.generation import Asset, Generation, State
from app.domain.links import Links
from app.errors import GatewayError
from app.http.bodies import read_json_object
from app.secrets import THUMBNAIL, LinkSigner
from app.upstream.answers import Failed, Lost, NotProcessed, ResultAnswer, Running, Succeeded
from app.upstream.wire import read_result, read_submission, request_body

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
ERRORS = [file for file in FILES if file.stem.startswith("error_")]
REPLIES = [file for file in FILES if file not in ERRORS]
DASHES = "\n---\n"

QUOTE = 150_000
NOW = datetime(2026, 3, 1, 12, 0, 0, 7_000, tzinfo=UTC)
SIGNER = LinkSigner(b"golden-signing-secret", base_url="https://gateway.example")
CALLER = Caller(
    key_id=UUID("00000000-0000-4000-8000-000000000001"),
    key_prefix="rg_U4gJuwk_",
    member_id=UUID("00000000-0000-4000-8000-000000000002"),
    team_id=UUID("00000000-0000-4000-8000-000000000003"),
    name="ada",
    team_name="studio",
    role=Role.MEMBER,
    status=Status.ACTIVE,
    credit_limit=1_000_000,
    rate_per_minute=60,
    rate_burst=20,
    max_open=20,
    created_at=datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    updated_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
)
PENDING = Asset(
    state=AssetState.PENDING, path=None, size_bytes=None, sha256=None, content_type="video/mp4",
    duration_seconds=None, width=None, height=None, codec=None, mismatch=None, archived_at=None,
)  # fmt: skip


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: file.stem)
def test_a_request_its_upstream_request_and_its_reply(file: Path) -> None:
    request, _, answer, _ = file.read_text().split(DASHES)
    asked = wire.parse(json.loads(request), BUILT_IN)
    upstream = request_body(BUILT_IN.models[asked.spec.model], asked.spec, run_async=True)
    generation = _after(_queued(asked), answer)
    reply = wire.render(generation, CALLER, BUILT_IN, used_credits=QUOTE, links=_links(generation))
    _compare(file, request, f"{asked.spec!r}\n\n{_pretty(upstream)}", answer, _pretty(reply))


@pytest.mark.parametrize("file", ERRORS, ids=lambda file: file.stem)
def test_a_wrong_body_and_its_refusal(file: Path) -> None:
    body, _, _ = file.read_text().partition(DASHES)
    with pytest.raises(GatewayError) as raised:
        wire.parse(asyncio.run(read_json_object(_posting(body.encode()))), BUILT_IN)
    status, rendered = wire.render_error(raised.value, "golden-request-id")
    _compare(file, body, f"{status}\n{_pretty(rendered)}")


def test_there_are_golden_files() -> None:
    assert len(REPLIES) >= 12
    assert len(ERRORS) >= 12


def _compare(file: Path, *sections: str) -> None:
    made = DASHES.join(sections) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(made)
    else:
        assert made == file.read_text()


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


def _posting(body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def _queued(asked: wire.FeatureRequest) -> Generation:
    return Generation(
        id=UUID("00000000-0000-4000-8000-0000000000ff"),
        team_id=CALLER.team_id, member_id=CALLER.member_id, dialect="onemin",
        feature="TEXT_TO_VIDEO", provider="luma", spec=asked.spec,
        state=State.QUEUED, quote=QUOTE, settled=None, result_paths=(), error_code=None,
        error_message=None, created_at=NOW, submitted_at=None, running_at=None, finished_at=None,
        asset=None,
    )  # fmt: skip


def _after(generation: Generation, answer: str) -> Generation:
    """The generation once the upstream has answered, as lifecycle leaves it."""
    head, _, body = answer.partition("\n\n")
    if not head.strip():
        return generation
    method, status = head.split()
    read: object
    if method == "POST":
        read = read_submission(int(status), {}, body.encode())
    else:
        read = _looked_up(int(status), body.encode())
    match read:
        case Succeeded():
            return replace(
                generation, state=State.SUCCEEDED, settled=QUOTE, result_paths=read.paths,
                asset=PENDING,
            )  # fmt: skip
        case Failed():
            return replace(
                generation, state=State.FAILED, settled=min(read.billed_credits or 0, QUOTE),
                error_code=read.code, error_message=read.message,
            )  # fmt: skip
        case Running():
            return replace(generation, state=State.RUNNING)
        case Lost():
            return replace(
                generation, state=State.UNKNOWN, error_code="outcome_unknown",
                error_message="(set by lifecycle)",
            )  # fmt: skip
        case NotProcessed():
            return generation
    raise AssertionError(read)


def _looked_up(status: int, body: bytes) -> ResultAnswer:
    expected = json.loads(body)["aiRecord"]["uuid"]
    return read_result(status, {}, body, expected_id=expected)


def _links(generation: Generation) -> Links | None:
    if generation.state is not State.SUCCEEDED:
        return None
    return Links(
        video=SIGNER.link(generation.id, now=NOW, seconds=604_800),
        thumbnail=SIGNER.link(generation.id, now=NOW, seconds=604_800, ending=THUMBNAIL),
    )
