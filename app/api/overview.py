"""What those who manage see first."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.api.documents import Document
from app.api.parameters import refusals
from app.api.pauses import PauseDocument
from app.db.backlog import Backlog
from app.db.overview import Ended
from app.domain.assets import AssetState
from app.http.access import Manager, ReadLimited, Rt
from app.http.bodies import BoundedRoute
from app.operators import overview

router = APIRouter(prefix="/admin/overview", tags=["admin"], route_class=BoundedRoute)

_OPERATORS = "For operators; null for others."


class BacklogDocument(Document):
    """How many there are, and the age of the oldest; 0 if there is none."""

    count: int
    oldest_seconds: float


class InFlightDocument(Document):
    """Generations that have not ended. A later state counts from when it was entered."""

    queued: BacklogDocument
    submitting: BacklogDocument
    running: BacklogDocument
    unknown: BacklogDocument


class EndedDaysDocument(Document):
    """Generations that were created on these days and have ended."""

    succeeded: int
    failed: int
    canceled: int
    failure_rate: float | None = Field(
        description="Failed ones, of those that succeeded or failed. Null: there are none."
    )
    settled_credits: int


class TookDocument(Document):
    """How long the latest 50 of a week took that succeeded, of one model and length."""

    kind: str = Field(description="The model, and the length if it was asked for: `ray-v3 5s`.")
    samples: int
    p50_seconds: float = Field(description="From being sent to the end: half took no longer.")
    p90_seconds: float
    waited_p50_seconds: float = Field(description="In the queue: half waited no longer.")
    waited_p90_seconds: float


class EndangeredDocument(Document):
    """A video that is not in the archive although that was tried, or that is set aside."""

    generation_id: UUID
    team: str
    member: str
    state: AssetState
    attempt_count: int
    created_at: datetime = Field(description="Since when it is to be archived.")
    link_expires_at: datetime | None = Field(
        description="When the upstream's link ends. Null: no link is needed any more."
    )


class ArchiveDocument(Document):
    """Files that are not safely in the archive."""

    pending: BacklogDocument
    set_aside: BacklogDocument
    lost: BacklogDocument
    endangered: list[EndangeredDocument] = Field(
        description="Those whose link ends first, at most twenty."
    )


class WaitingForPeopleDocument(Document):
    """What waits for somebody."""

    sign_in_requests: int | None = Field(description=_OPERATORS)
    credit_requests: int
    failing_endpoints: int = Field(
        description="Enabled, and no delivery has succeeded for an hour."
    )
    disabled_endpoints: int = Field(description="Disabled because they failed.")


class UpstreamOverviewDocument(Document):
    """The upstream keys that a worker has configured, and what is left in their accounts."""

    keys: int
    usable_keys: int
    remaining_credits: int | None = Field(description="Null: no answer had the figures yet.")
    days_left: float | None = Field(
        description="Of the account that is used up first, at its pace. Null: not known."
    )


class DrainDocument(Document):
    """Whether the gateway can be stopped without interrupting anything."""

    admission_paused: bool
    submission_paused: bool = Field(description="If it is, what is queued stays queued.")
    queued: int
    submitting: int
    running: int
    archiving: int = Field(description="Files that are still to be archived.")
    drained: bool = Field(
        description="Admission has been paused for so long that nothing more comes, and none of "
        "these is left: stopping the gateway interrupts nothing."
    )


class OverviewDocument(Document):
    """Of everybody, for administrators of a team of their team. `took` is of everybody."""

    object: Literal["overview"]
    in_flight: InFlightDocument
    today: EndedDaysDocument = Field(description="Of today, in each team's time zone.")
    week: EndedDaysDocument = Field(description="Of today and the six days before.")
    took: list[TookDocument] = Field(description="What ended last first, at most twenty kinds.")
    archive: ArchiveDocument
    deliveries: BacklogDocument = Field(description="Webhooks that are still to be sent.")
    waiting: WaitingForPeopleDocument
    upstream: UpstreamOverviewDocument | None = Field(description=_OPERATORS)
    pauses: list[PauseDocument] | None = Field(description=_OPERATORS)
    drain: DrainDocument | None = Field(description=_OPERATORS)


@router.get("", name="get_overview", responses=refusals(429))
async def get_overview(rt: Rt, actor: Manager, _caller: ReadLimited) -> OverviewDocument:
    """Returns what is in flight, how it went lately, and what needs a person. It costs the same
    however long the past is."""
    found = await overview.overview_of(rt, actor=actor)

    def flying(state: str) -> BacklogDocument:
        return _backlog(found.in_flight.get(state))

    def filed(state: AssetState) -> BacklogDocument:
        return _backlog(found.unarchived.get(state))

    return OverviewDocument(
        object="overview",
        in_flight=InFlightDocument(
            queued=flying("queued"), submitting=flying("submitting"), running=flying("running"),
            unknown=flying("unknown"),
        ),
        today=_ended(found.today),
        week=_ended(found.week),
        took=[
            TookDocument(
                kind=each.kind, samples=each.samples, p50_seconds=each.p50_seconds,
                p90_seconds=each.p90_seconds, waited_p50_seconds=each.waited_p50_seconds,
                waited_p90_seconds=each.waited_p90_seconds,
            )
            for each in found.took
        ],
        archive=ArchiveDocument(
            pending=filed(AssetState.PENDING), set_aside=filed(AssetState.SET_ASIDE),
            lost=filed(AssetState.LOST),
            endangered=[
                EndangeredDocument(
                    generation_id=each.generation_id, team=each.team, member=each.member,
                    state=each.state, attempt_count=each.attempts, created_at=each.created_at,
                    link_expires_at=each.link_expires_at,
                )
                for each in found.endangered
            ],
        ),
        deliveries=_backlog(found.deliveries),
        waiting=WaitingForPeopleDocument(
            sign_in_requests=found.waiting.sign_ins if actor.unbound else None,
            credit_requests=found.waiting.credit_requests,
            failing_endpoints=found.waiting.failing_endpoints,
            disabled_endpoints=found.waiting.disabled_endpoints,
        ),
        upstream=found.upstream and UpstreamOverviewDocument(
            keys=found.upstream.keys, usable_keys=found.upstream.usable_keys,
            remaining_credits=found.upstream.remaining, days_left=found.upstream.days_left,
        ),
        pauses=None if found.paused is None else [
            PauseDocument(
                object="pause", name=each.name, paused=each.paused, reason=each.reason,
                changed_at=each.changed_at,
            )
            for each in found.paused
        ],
        drain=found.drain and DrainDocument(
            admission_paused=found.drain.admission_paused,
            submission_paused=found.drain.submission_paused, queued=found.drain.queued,
            submitting=found.drain.submitting, running=found.drain.running,
            archiving=found.drain.archiving, drained=found.drain.drained,
        ),
    )  # fmt: skip


def _backlog(found: Backlog | None) -> BacklogDocument:
    found = found or Backlog()
    return BacklogDocument(count=found.count, oldest_seconds=found.oldest_seconds)


def _ended(found: Ended) -> EndedDaysDocument:
    tried = found.succeeded + found.failed
    return EndedDaysDocument(
        succeeded=found.succeeded, failed=found.failed, canceled=found.canceled,
        failure_rate=found.failed / tried if tried else None, settled_credits=found.settled,
    )  # fmt: skip
