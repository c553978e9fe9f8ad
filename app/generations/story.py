"""All that is known of a generation, for those who manage its team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.db import assets, audit, events, generations, ledger, webhook_attempts, webhook_deliveries
from app.db.assets import File
from app.db.audit import AuditLine
from app.db.events import Past
from app.db.ledger import Entry
from app.db.managed_generations import Details, Wanted, find_details, list_details, search_details
from app.db.webhook_attempts import Tried
from app.db.webhook_deliveries import Delivery
from app.domain.authority import Actor
from app.domain.generation import Generation, State
from app.domain.ids import parse_generation_id
from app.errors import InvalidRequest, Issue, NotFound
from app.runtime import Runtime
from app.secrets import shown_of

#: How much of what can be repeated is shown: a delivery can be sent again without end.
_MAX_DELIVERIES = 200
_MAX_DELIVERY_ATTEMPTS = 500
_MAX_AUDIT_LINES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One try to have it made. `ended_as` is the state that it led to, and None while it lasts:
    `queued` if the upstream surely did not process it. `reason` says why it led nowhere."""

    started_at: datetime
    ended_at: datetime | None
    ended_as: State | None
    reason: str | None
    upstream_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`events`, and with them `submissions`, are kept for some time only. Of deliveries the oldest,
    of their attempts and of the audit log the newest are there."""

    details: Details
    submissions: list[Submission]
    events: list[Past]
    ledger: list[Entry]
    files: list[File]
    deliveries: list[Delivery]
    delivery_attempts: list[Tried]
    audit: list[AuditLine]


async def list_managed(
    rt: Runtime,
    wanted: Wanted,
    *,
    actor: Actor,
    search: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> tuple[list[Details], tuple[datetime, UUID] | None]:
    """Generations of the teams that the actor manages, newest first; and where a search in prompts
    goes on that has not looked at all. `search` is an id in the form of any dialect, for operators
    also the upstream's, or the beginning of a key. Raises `Forbidden`, and `InvalidRequest` for a
    search in the prompts of all teams."""
    actor.require_manager()
    if wanted.team_id is not None and not actor.manages(wanted.team_id):
        return [], None
    wanted = replace(wanted, team_id=wanted.team_id or actor.only_team)
    if wanted.patterns and wanted.of_all:
        message = "needs team_id, member_id or key_id: prompts are searched within one team"
        raise InvalidRequest(f"q {message}.", issues=[Issue("q", "value", message)])
    if search is not None:
        wanted = _named(wanted, search.strip(), actor)
        if not (wanted.key_prefix or wanted.generation_id or wanted.upstream_id):
            return [], None
    async with rt.db.single() as tx:
        if wanted.patterns:
            return await search_details(tx, wanted, after=after, limit=limit)
        return await list_details(tx, wanted, after=after, limit=limit), None


def _named(wanted: Wanted, search: str, actor: Actor) -> Wanted:
    if search.startswith("rg_"):
        # Who pastes a whole key looks for what may be shown of it.
        return replace(wanted, key_prefix=shown_of(search))
    return replace(
        wanted, generation_id=parse_generation_id(search),
        upstream_id=search.lower() if actor.unbound else None,
    )  # fmt: skip


async def get_managed(rt: Runtime, generation_id: UUID, *, actor: Actor) -> Generation:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await generations.find(tx, generation_id)
    if found is None or not actor.manages(found.team_id):
        raise NotFound(f"There is no generation {generation_id}.")
    return found


async def get_story(rt: Runtime, generation_id: UUID, *, actor: Actor) -> Story:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        details = await find_details(tx, generation_id)
        if details is None or not actor.manages(details.generation.team_id):
            raise NotFound(f"There is no generation {generation_id}.")
        past = await events.history(tx, generation_id)
        deliveries = await webhook_deliveries.of_generation(
            tx, details.generation, limit=_MAX_DELIVERIES
        )
        return Story(
            details=details,
            submissions=submissions(past),
            events=past,
            ledger=await ledger.entries_of(tx, generation_id),
            files=await assets.files_of(tx, generation_id),
            deliveries=deliveries,
            delivery_attempts=await webhook_attempts.tried(
                tx, [each.id for each in deliveries], limit=_MAX_DELIVERY_ATTEMPTS
            ),
            audit=await audit.lines(
                tx, audit.Wanted(subject=str(generation_id)), limit=_MAX_AUDIT_LINES
            ),
        )


def submissions(past: Sequence[Past]) -> list[Submission]:
    """The tries that these events tell of, oldest first. Pure."""
    found: list[Submission] = []
    for event in past:
        kind, _, state = event.type.partition(".")
        if kind != "generation":
            continue
        last = found[-1] if found else None
        if last is not None and last.ended_as is None:
            found[-1] = replace(
                last, ended_at=event.created_at, ended_as=State(state),
                reason=event.data.get("reason") or event.data.get("code"),
            )  # fmt: skip
        # A restore passes through this state without sending anything.
        if state == State.SUBMITTING and "attempt" in event.data:
            found.append(
                Submission(
                    started_at=event.created_at,
                    ended_at=None,
                    ended_as=None,
                    reason=None,
                    upstream_key=event.upstream_key,
                )
            )
    return found
