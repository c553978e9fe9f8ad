"""The documents of teams, members and keys, for those who manage them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.credits import GRANTED
from app.api.documents import Document
from app.api.parameters import TEXT, WholeOrNull
from app.db.api_keys import Key
from app.db.members import Member
from app.db.teams import Team
from app.domain.accounts import Period, remaining_credits
from app.domain.caller import Role, Status
from app.domain.limits import BOUNDS
from app.domain.metadata import MAX_TAGS
from app.errors import InvalidRequest, Issue
from app.members.names import MAX_NAME_CHARS
from app.members.teams import MAX_RETENTION_DAYS

PERIOD = (
    "How often the credits begin anew, at midnight in the team's time zone: never, each day, week "
    "(on Mondays) or month."
)
NO_LIMIT = "Null: no limit of its own."


def limit_field(name: str, said: str) -> Any:
    least, most = BOUNDS[name]
    return Field(None, ge=least, le=most, description=said)


class Deed(BaseModel):
    """What is done, and why."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(
        None, min_length=1, max_length=500, pattern=TEXT,
        description="Why; kept in the audit log. Required to raise a limit, to suspend and to end.",
    )  # fmt: skip


class Reasoned(Deed):
    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT, description="Why; kept in the audit log."
    )


class Renaming(Deed):
    new_name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT)


class Ending(Deed):
    """It is for good."""


class Ended(Document):
    """What ended with a member or a team."""

    id: UUID
    revoked_keys: list[str] = Field(description="The prefixes of the keys that ended with it.")


class TeamRequest(Deed):
    """A new team."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT)
    credit_limit: WholeOrNull = limit_field("credit_limit", NO_LIMIT)
    credit_period: Period = Field(Period.NONE, description=PERIOD)
    time_zone: str | None = Field(
        None, max_length=100, pattern=TEXT, examples=["Europe/Berlin"],
        description="In which its days, weeks and months begin. Default: that of the gateway.",
    )  # fmt: skip
    retention_days: WholeOrNull = Field(
        None, ge=1, le=MAX_RETENTION_DAYS, description="Days its videos are kept. Null: for ever."
    )


class TeamChange(Deed):
    """Fields that are left out stay as they are."""

    credit_limit: WholeOrNull = limit_field("credit_limit", NO_LIMIT)
    credit_period: Period | None = Field(None, description=PERIOD)
    time_zone: str | None = Field(None, max_length=100, pattern=TEXT, examples=["Europe/Berlin"])
    retention_days: WholeOrNull = Field(
        None, ge=1, le=MAX_RETENTION_DAYS,
        description="Days its videos are kept. Null: for ever. Older ones are deleted within "
        "minutes.",
    )  # fmt: skip
    required_tags: list[str] | None = Field(
        None, max_length=MAX_TAGS, examples=[["cost_centre"]],
        description="Keys of `metadata` without which a create is refused. Replaces the former.",
    )  # fmt: skip
    status: Status | None = Field(
        None, description="A suspended team creates no videos; what is in progress continues."
    )


class ManagedTeamDocument(Document):
    """A team with its limits and what it used of them in the present period."""

    object: Literal["team"]
    id: UUID
    name: str
    status: Status
    created_at: datetime
    ended_at: datetime | None = Field(description="It and its members have ended, for good.")
    members: int = Field(description="How many it has, also ended ones.")
    credit_limit: int | None = Field(description=NO_LIMIT)
    granted_credits: int = Field(description=GRANTED)
    credit_period: Period
    used_credits: int = Field(description="Settled and held ones.")
    settled_credits: int = Field(description="Spent.")
    held_credits: int = Field(description="Reserved for generations that have not ended.")
    remaining_credits: int | None = Field(description="Null where there is no limit.")
    resets_at: datetime | None = Field(description="When the credits begin anew. Null: never.")
    time_zone: str
    retention_days: int | None = Field(description="Null: its videos are kept for ever.")
    required_tags: list[str] = Field(
        description="Keys of `metadata` without which a create is refused."
    )


class ManagedTeamList(Document):
    object: Literal["list"]
    data: list[ManagedTeamDocument]
    has_more: bool
    next_cursor: str | None


class _Limits(Deed):
    credit_limit: WholeOrNull = limit_field("credit_limit", "Credits in each period.")
    credit_period: Period | None = Field(None, description=PERIOD)
    rate_per_minute: WholeOrNull = limit_field("rate_per_minute", "Creates per minute.")
    rate_burst: WholeOrNull = limit_field("rate_burst", "Creates at once.")
    max_open: WholeOrNull = limit_field("max_open", "Generations in progress at the same time.")


_ROLE = "`ADMIN`: an administrator of its team."


class MemberRequest(_Limits):
    """A new member. Limits that are left out get the gateway's defaults."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT)
    role: Role = Field(Role.MEMBER, description=_ROLE)


class MemberChange(_Limits):
    """Fields that are left out stay as they are."""

    role: Role | None = Field(None, description=f"{_ROLE} It counts from the next request on.")
    status: Status | None = Field(
        None, description="A suspended member creates no videos; what is in progress continues."
    )


class ManagedMemberDocument(Document):
    """A member with its limits and what it used of them in the present period."""

    object: Literal["member"]
    id: UUID
    team_id: UUID
    name: str
    role: Role
    status: Status
    created_at: datetime
    ended_at: datetime | None = Field(description="It has ended, for good.")
    credit_limit: int
    granted_credits: int = Field(description=GRANTED)
    credit_period: Period
    used_credits: int = Field(description="Settled and held ones.")
    settled_credits: int = Field(description="Spent.")
    held_credits: int = Field(description="Reserved for generations that have not ended.")
    remaining_credits: int = Field(
        description="What its own limit leaves. That of its team, or of a key, may leave less."
    )
    resets_at: datetime | None = Field(description="When the credits begin anew. Null: never.")
    rate_per_minute: int = Field(description="Creates per minute.")
    rate_burst: int = Field(description="Creates at once.")
    max_open: int = Field(description="Generations in progress at the same time.")


class ManagedMemberList(Document):
    object: Literal["list"]
    data: list[ManagedMemberDocument]
    has_more: bool
    next_cursor: str | None


def member_document(member: Member) -> ManagedMemberDocument:
    return ManagedMemberDocument(
        object="member", id=member.id, team_id=member.team_id, name=member.name, role=member.role,
        status=member.status, created_at=member.created_at, ended_at=member.ended_at,
        **credit_fields(member), rate_per_minute=member.rate_per_minute,
        rate_burst=member.rate_burst, max_open=member.max_open,
    )  # fmt: skip


def team_document(team: Team) -> ManagedTeamDocument:
    return ManagedTeamDocument(
        object="team", id=team.id, name=team.name, status=team.status, created_at=team.created_at,
        ended_at=team.ended_at, members=team.members, **credit_fields(team),
        time_zone=team.time_zone, retention_days=team.retention_days,
        required_tags=team.required_tags,
    )  # fmt: skip


def credit_fields(account: Team | Member | Key) -> dict[str, Any]:
    used, limit = account.settled_credits + account.held_credits, account.credit_limit
    return {
        "credit_limit": limit,
        "granted_credits": account.granted_credits,
        "credit_period": account.credit_period,
        "used_credits": used,
        "settled_credits": account.settled_credits,
        "held_credits": account.held_credits,
        "remaining_credits": remaining_credits(limit, account.granted_credits, used),
        "resets_at": account.resets_at,
    }


def given(body: Deed, *, may_be_null: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields that were sent, without the reason. Raises `InvalidRequest` for a null that means
    nothing."""
    sent: dict[str, Any] = body.model_dump(exclude_unset=True, exclude={"reason"})
    empty = [name for name, value in sent.items() if value is None and name not in may_be_null]
    if empty:
        message = "may be left out, but not be null"
        raise InvalidRequest(issues=[Issue(name, "type", message) for name in empty])
    return sent
