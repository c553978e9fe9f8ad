"""Commands for single generations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.terminal import GenerationId, group, show, with_runtime
from app.errors import NotFound

if TYPE_CHECKING:
    from app.db.assets import File
    from app.db.audit import AuditLine
    from app.db.events import Past
    from app.db.generations import Details
    from app.db.ledger import Entry
    from app.db.webhook_deliveries import Attempt, Delivery
    from app.runtime import Runtime

cli = group("Single generations.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    details: Details
    ledger: list[Entry]
    events: list[Past]
    files: list[File]
    deliveries: list[tuple[Delivery, list[Attempt]]]
    audit: list[AuditLine]


@cli.command("show")
def generation_show(
    generation: GenerationId,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show all that is known of a generation: whose it is, what was asked, what was done, and what
    it cost."""

    async def act(rt: Runtime) -> None:
        story = await _find(rt, generation)
        if as_json:
            typer.echo(json.dumps(_document(story), default=_plain))
        else:
            _print(story)

    with_runtime(act)


async def _find(rt: Runtime, generation_id: UUID) -> _Story:
    from app.db import assets, audit, events, generations, ledger, webhook_deliveries

    async with rt.db.single() as tx:
        details = await generations.find_details(tx, generation_id)
        if details is None:
            raise NotFound(f"There is no generation {generation_id}.")
        return _Story(
            details=details,
            ledger=await ledger.entries_of(tx, generation_id),
            events=await events.history(tx, generation_id),
            files=await assets.files_of(tx, generation_id),
            deliveries=[
                (delivery, await webhook_deliveries.attempts_of(tx, delivery.id))
                for delivery in await webhook_deliveries.of_generation(tx, details.generation)
            ],
            audit=await audit.lines(tx, subject=str(generation_id), limit=_MAX_AUDIT_LINES),
        )


#: The newest; each is the deed of a person.
_MAX_AUDIT_LINES = 100


def _document(story: _Story) -> dict[str, Any]:
    details = story.details
    g = details.generation
    return {
        "id": g.id,
        "team": details.team,
        "member": details.member,
        "key_prefix": details.key_prefix,
        "dialect": g.dialect,
        "spec": g.spec.to_json(),
        "user": g.end_user,
        "metadata": g.metadata,
        "state": g.state,
        "unknown_reason": details.unknown_reason,
        "unknown_since": details.unknown_since,
        "error_code": g.error_code,
        "error_message": g.error_message,
        "created_at": g.created_at,
        "submitted_at": g.submitted_at,
        "running_at": g.running_at,
        "finished_at": g.finished_at,
        "attempts": details.attempts,
        "polls": details.polls,
        "upstream_key": details.upstream_key,
        "upstream_id": details.upstream_id,
        "has_upstream_answer": details.has_upstream_answer,
        "quote": g.quote,
        "settled": g.settled,
        "ledger": [asdict(entry) for entry in story.ledger],
        "events": [asdict(event) for event in story.events],
        "files": [asdict(file) for file in story.files],
        "callback_url": _without_query(g.callback_url),
        "deliveries": [
            {
                "id": d.id, "endpoint_id": d.endpoint_id, "event": d.event, "state": d.state,
                "attempts": d.attempts, "last_status": d.last_status, "last_error": d.last_error,
                "created_at": d.created_at, "next_attempt_at": d.next_attempt_at,
                "finished_at": d.finished_at,
            }
            for d, _ in story.deliveries
        ],
        # What was sent and what came back is for the owner of the endpoint to see.
        "delivery_attempts": [
            {
                "delivery": d.id, "number": a.number, "created_at": a.created_at,
                "seconds": a.seconds, "status": a.status, "error": a.error,
            }
            for d, attempts in story.deliveries
            for a in attempts
        ],
        "audit": [
            {"created_at": line.created_at, "actor": line.actor, "action": line.action,
             "detail": line.detail}
            for line in story.audit
        ],
    }  # fmt: skip


def _print(story: _Story) -> None:
    lists = ("ledger", "events", "files", "deliveries", "delivery_attempts", "audit")
    document = _document(story)
    facts = {name: value for name, value in document.items() if name not in lists}
    if facts.pop("has_upstream_answer"):
        facts["upstream_answer"] = f"kept; see it with: reelgate upstream answer {facts['id']}"
    facts |= {f"spec.{name}": value for name, value in facts.pop("spec").items()}
    show(
        ["generation", ""],
        [[name.replace("_", " "), _cell(value)] for name, value in facts.items()
         if value not in (None, {})],
    )  # fmt: skip
    for name in lists:
        if rows := document[name]:
            typer.echo()
            typer.echo(f"{name.replace('_', ' ')}:")
            show(
                [column.replace("_", " ") for column in rows[0]],
                [[_cell(value) for value in row.values()] for row in rows],
            )


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else None
    return value


def _plain(value: object) -> str:
    """What JSON has no form for: instants and ids."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _without_query(url: str | None) -> str | None:
    """It may carry the receiver's password."""
    return None if url is None else url.partition("?")[0]
