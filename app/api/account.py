"""A member's own view of its limits."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.api.credits import CreditsDocument, credits_document
from app.api.documents import Document
from app.api.estimates import RateDocument, key_rate_document, rate_document
from app.api.parameters import refusals
from app.db import api_keys, limits
from app.domain.authority import Actor
from app.domain.caller import Caller, Role, Status
from app.domain.keys import Scope
from app.domain.limits import Limit
from app.http.access import ReadLimited, Rt
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])


class TeamDocument(Document):
    id: UUID
    name: str


class MyKeyDocument(Document):
    """The key of this request, without its secret."""

    prefix: str = Field(description="Its first characters, by which operators know it.")
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="As known a minute ago.")
    scopes: list[Scope] = Field(
        description="`generate`: create and change. `read`: look. `team`: act for the whole team, "
        "as its administrator. `operate`: operate the gateway, as its operator."
    )
    models: list[str] | None = Field(description="Models that it may use. Null: all.")
    addresses: list[str] | None = Field(
        description="Networks from which it may be used. Null: all."
    )
    max_open: int | None = Field(description="Null: no limit of its own.")
    open: int | None = Field(description="Its generations in progress, if these are limited.")
    rate: RateDocument | None = Field(description="Null: no rate of its own.")


class MeDocument(Document):
    """The caller, its limits and their use."""

    object: Literal["me"]
    member_id: UUID
    name: str
    role: Role
    manages_team: bool = Field(description="Whether this key may act for the whole team.")
    operates: bool = Field(description="Whether this key may operate the whole gateway.")
    status: Status
    team: TeamDocument
    key: MyKeyDocument
    credits: CreditsDocument
    max_open: int = Field(description="How many generations may be in progress at the same time.")
    open: int = Field(description="Generations in progress.")
    rate: RateDocument
    binding_limit: Limit | None = Field(
        description="The limit that would refuse whatever is requested now. Null: none."
    )
    practice_url: str | None = Field(
        description="Another gateway, whose upstream is the simulator: to practise without "
        "credits. Null: there is none, or this one simulates."
    )


@router.get("/me", name="get_me", responses=refusals(429))
async def get_me(rt: Rt, caller: ReadLimited) -> MeDocument:
    """Returns the owner of the key, its limits, and how much of them is used."""
    async with rt.db.single() as tx:
        status = await limits.limits_of(
            tx, caller.member_id, key_id=caller.key_id, now=rt.clock.for_database()
        )
        key = await api_keys.get_key(tx, caller.key_id)
    return MeDocument(
        object="me",
        member_id=caller.member_id,
        name=caller.name,
        role=caller.role,
        manages_team=caller.is_admin,
        operates=_operates(rt, caller),
        status=caller.status,
        team=TeamDocument(id=caller.team_id, name=caller.team_name),
        key=MyKeyDocument(
            prefix=key.prefix,
            name=key.name,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            scopes=list(key.restrictions.scopes),
            models=_list(key.restrictions.models),
            addresses=_list(key.restrictions.addresses),
            max_open=status.key_max_open,
            open=status.key_open_generations,
            rate=key_rate_document(status),
        ),
        credits=credits_document(status, rt),
        max_open=status.max_open,
        open=status.open_generations or 0,
        rate=rate_document(status),
        binding_limit=status.binding_limit,
        practice_url=None if rt.settings.simulated else rt.settings.practice_url,
    )


def _operates(rt: ApiRuntime, caller: Caller) -> bool:
    return Actor.calling(caller, operator_team=rt.settings.operator_team).operates


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)
