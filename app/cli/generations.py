"""Commands for single generations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.terminal import GenerationId, acting, day, group, require, show, with_runtime
from app.domain.generation import State

if TYPE_CHECKING:
    from app.generations.story import Story
    from app.runtime import Runtime

cli = group("Generations of everybody.")


States = Annotated[
    list[State] | None, typer.Option("--state", help="Only in this state; may be repeated.")
]


@cli.command("list")
def generation_list(
    team: Annotated[str | None, typer.Option(help="Only of this team.")] = None,
    member: Annotated[str | None, typer.Option(help="Only of this member of --team.")] = None,
    state: States = None,
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 50,
) -> None:
    """List generations of everybody, newest first."""
    from app.db.managed_generations import Wanted
    from app.generations import story
    from app.members import members, teams

    require(member is None or team is not None, "--member needs the --team that it is in")

    async def act(rt: Runtime) -> None:
        who = acting(rt, None)
        wanted = Wanted(
            team_id=None if team is None else (await teams.get_team(rt, team, actor=who)).id,
            member_id=None if team is None or member is None
            else (await members.get_member(rt, team, member, actor=who)).id,
            states=state or (), model=model and rt.catalog.check_name(model, "model"),
        )  # fmt: skip
        found, _ = await story.list_managed(rt, wanted, actor=who, limit=limit)
        show(
            ["generation", "created", "state", "team/member", "key", "quote", "settled", "model",
             "prompt"],
            [
                [d.generation.id, day(d.generation.created_at), d.generation.state, d.whose,
                 f"{d.key_prefix}…", d.generation.quote, d.generation.settled,
                 d.generation.spec.model, (d.generation.spec.facts.prompt or "")[:60]]
                for d in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("cancel")
def generation_cancel(
    generation: GenerationId, reason: Annotated[str, typer.Option(help="Why, for the audit log.")]
) -> None:
    """Cancel a queued generation, and release its credits."""
    from app.generations import cancel

    async def act(rt: Runtime) -> None:
        canceled = await cancel.cancel_managed(rt, generation, actor=acting(rt, reason))
        typer.echo(f"Generation {canceled.id} is canceled: {canceled.quote} credits are released.")

    with_runtime(act)


@cli.command("show")
def generation_show(
    generation: GenerationId,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show all that is known of a generation: whose it is, what was asked, what was done, and what
    it cost."""
    from app.generations import story

    async def act(rt: Runtime) -> None:
        found = await story.get_story(rt, generation, actor=acting(rt, None))
        if as_json:
            typer.echo(json.dumps(_document(found), default=_plain))
        else:
            _print(found)

    with_runtime(act)


def _document(story: Story) -> dict[str, Any]:
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
        "submissions": [asdict(each) for each in story.submissions],
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
            for d in story.deliveries
        ],
        "delivery_attempts": [
            {
                "delivery": a.delivery_id, "number": a.number, "created_at": a.created_at,
                "seconds": a.seconds, "status": a.status, "error": a.error,
            }
            for a in reversed(story.delivery_attempts)
        ],
        "audit": [
            {"created_at": line.created_at, "actor": line.actor, "action": line.action,
             "detail": line.detail}
            for line in story.audit
        ],
    }  # fmt: skip


def _print(story: Story) -> None:
    lists = ("submissions", "ledger", "events", "files", "deliveries", "delivery_attempts", "audit")
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
