"""The documents of generations for those who manage teams. Administrators of a team get them
without what tells of the upstream's account, or of the gateway's archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.documents import Document, GenerationDocument, generation_document
from app.api.webhook_documents import WebhookDeliveryDocument, delivery_fields
from app.db.audit import AuditLine
from app.db.events import Past
from app.db.managed_generations import Details
from app.db.webhook_attempts import Tried
from app.db.webhook_deliveries import Delivery
from app.domain.authority import Actor
from app.domain.generation import Generation, State
from app.generations.durations import NO_HISTORY
from app.generations.progress import progress_of
from app.generations.story import Story, Submission
from app.operators.audit import fit_for
from app.runtime import ApiRuntime

_OPERATORS = "For operators; null for others."


class ManagedGenerationDocument(GenerationDocument):
    """A generation with its owner, and its way upstream. It has no links to the video: who manages
    generations does not watch people's videos."""

    team_id: UUID
    team: str
    member: str
    key_id: UUID = Field(description="The API key that created it.")
    key_prefix: str = Field(description="The beginning of that key.")
    submission_count: int = Field(description="How often it was sent upstream.")
    poll_count: int
    unknown_reason: str | None
    unknown_since: datetime | None = Field(description="Null unless it is unknown.")
    upstream_key: str | None = Field(
        description=f"The label of the upstream key it was last sent with. {_OPERATORS}"
    )
    upstream_id: str | None = Field(description=_OPERATORS)
    has_upstream_answer: bool | None = Field(
        description=f"Whether `get_upstream_answer` has more to say. {_OPERATORS}"
    )


class ManagedGenerationList(Document):
    """One page, newest first."""

    object: Literal["list"]
    data: list[ManagedGenerationDocument]
    has_more: bool
    next_cursor: str | None


class SubmissionDocument(Document):
    """One try to have it made upstream."""

    started_at: datetime
    ended_at: datetime | None = Field(description="Null: it lasts.")
    ended_as: State | None = Field(
        description="The state that it led to. `running`: the upstream took it. `queued`: the "
        "upstream surely did not process it, so it is sent again."
    )
    reason: str | None = Field(
        description="Why it led to no video. That of a try that is repeated is for operators."
    )
    upstream_key: str | None = Field(description=_OPERATORS)


class PastEventDocument(Document):
    """Something that happened to it, such as `generation.running` or `video.archived`."""

    type: str
    created_at: datetime
    data: dict[str, Any] = Field(description="What else is known of it; more for operators.")


class LedgerEntryDocument(Document):
    """What it added to the balances of its key, its member and its team."""

    kind: str = Field(description="`hold`, `settle` or `release`.")
    held_credits: int
    settled_credits: int
    created_at: datetime


class FileDocument(Document):
    """A file of it, and what was tried to archive it."""

    kind: str = Field(description="`video` or `thumbnail`.")
    state: str = Field(description="`pending`, `archived`, `set_aside`, `lost` or `deleted`.")
    size_bytes: int | None
    sha256: str | None
    mismatch: str | None
    attempt_count: int
    archived_at: datetime | None
    path: str | None = Field(description=f"In the archive. {_OPERATORS}")
    last_error: str | None = Field(description=_OPERATORS)


class TriedDeliveryDocument(Document):
    """An attempt to deliver. What was sent and what came back is for the owner of the endpoint."""

    number: int
    created_at: datetime
    seconds: float
    status: int | None
    error: str | None


class ManagedDeliveryDocument(WebhookDeliveryDocument):
    """A delivery with its attempts, newest first."""

    attempts: list[TriedDeliveryDocument]


class DeedDocument(Document):
    """What a person did with it, and why."""

    created_at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


class GenerationStoryDocument(ManagedGenerationDocument):
    """All that is known of a generation. Events, and with them submissions, are kept for some time;
    of deliveries at most 200 are shown, of their attempts the newest 500, of deeds the newest
    100."""

    submissions: list[SubmissionDocument] = Field(description="Oldest first.")
    events: list[PastEventDocument] = Field(description="Oldest first.")
    ledger: list[LedgerEntryDocument]
    files: list[FileDocument]
    deliveries: list[ManagedDeliveryDocument] = Field(description="Oldest first.")
    deeds: list[DeedDocument] = Field(description="Newest first.")


def unwatched(rt: ApiRuntime, generation: Generation) -> GenerationDocument:
    """Without links."""
    progress = progress_of(generation, NO_HISTORY, now=rt.clock.now())
    return generation_document(generation, links=None, progress=progress)


def managed_fields(rt: ApiRuntime, details: Details, actor: Actor) -> dict[str, Any]:
    """The fields of a `ManagedGenerationDocument`."""
    everything = actor.unbound
    return {
        **dict(unwatched(rt, details.generation)),
        "team_id": details.generation.team_id,
        "team": details.team,
        "member": details.member,
        "key_id": details.key_id,
        "key_prefix": details.key_prefix,
        "submission_count": details.attempts,
        "poll_count": details.polls,
        "unknown_reason": details.unknown_reason,
        "unknown_since": details.unknown_since,
        "upstream_key": details.upstream_key if everything else None,
        "upstream_id": details.upstream_id if everything else None,
        "has_upstream_answer": details.has_upstream_answer if everything else None,
    }


def story_document(rt: ApiRuntime, story: Story, actor: Actor) -> GenerationStoryDocument:
    everything = actor.unbound
    return GenerationStoryDocument(
        **managed_fields(rt, story.details, actor),
        submissions=[_submission(each, everything) for each in story.submissions],
        events=[
            PastEventDocument(
                type=each.type, created_at=each.created_at,
                data=dict(each.data) if everything else _fit(each),
            )
            for each in story.events
        ],
        ledger=[
            LedgerEntryDocument(
                kind=each.kind, held_credits=each.held, settled_credits=each.settled,
                created_at=each.created_at,
            )
            for each in story.ledger
        ],
        files=[
            FileDocument(
                kind=each.kind, state=each.state, size_bytes=each.size_bytes, sha256=each.sha256,
                mismatch=each.mismatch, attempt_count=each.attempts, archived_at=each.archived_at,
                path=each.path if everything else None,
                last_error=each.last_error if everything else None,
            )
            for each in story.files
        ],
        deliveries=[managed_delivery(each, story.delivery_attempts) for each in story.deliveries],
        deeds=[_deed(fit_for(actor, each)) for each in story.audit],
    )  # fmt: skip


def _submission(submission: Submission, everything: bool) -> SubmissionDocument:
    # Why the upstream took it not tells of the account: that its credits are used up, for one.
    fit = everything or submission.ended_as is not State.QUEUED
    return SubmissionDocument(
        started_at=submission.started_at, ended_at=submission.ended_at,
        ended_as=submission.ended_as, reason=submission.reason if fit else None,
        upstream_key=submission.upstream_key if everything else None,
    )  # fmt: skip


def _fit(event: Past) -> dict[str, Any]:
    """For administrators of a team."""
    named = {"code", "settled"}
    if event.type == f"generation.{State.UNKNOWN}":
        named.add("reason")
    return {name: value for name, value in event.data.items() if name in named}


def managed_delivery(delivery: Delivery, attempts: Sequence[Tried]) -> ManagedDeliveryDocument:
    """`attempts` may have those of other deliveries too."""
    return ManagedDeliveryDocument(
        **delivery_fields(delivery),
        attempts=[
            TriedDeliveryDocument(
                number=each.number, created_at=each.created_at, seconds=each.seconds,
                status=each.status, error=each.error,
            )
            for each in attempts
            if each.delivery_id == delivery.id
        ],
    )  # fmt: skip


def _deed(line: AuditLine) -> DeedDocument:
    return DeedDocument(
        created_at=line.created_at, actor=line.actor, action=line.action, detail=dict(line.detail)
    )
