"""Links that share one video with people who have no key."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.documents import Document
from app.api.parameters import GenerationId, refusals
from app.domain.sharing import MIN_SECONDS
from app.generations import sharing
from app.http.access import Active, Caller, Rt
from app.http.bodies import BoundedRoute

router = APIRouter(
    prefix="/generations/{generation_id}/shares", tags=["generations"], route_class=BoundedRoute
)

ShareId = Annotated[UUID, Path(description="The `id` of a share.")]


class ShareRequest(BaseModel):
    """For how long."""

    model_config = ConfigDict(extra="forbid")

    expires_in_seconds: int = Field(
        ge=MIN_SECONDS,
        description="How long the link works, at most `max_expires_in_seconds` of the list.",
    )


class ShareDocument(Document):
    """A link to one video that works without a key, until it expires or is revoked, or the video
    is deleted. It does no more than the member who made it may do."""

    object: Literal["share"] = "share"
    id: UUID
    generation_id: UUID
    member_id: UUID = Field(description="Who made it.")
    created_at: datetime
    expires_at: datetime


class NewShareDocument(ShareDocument):
    """A share with its link, which is shown only now: the gateway keeps a hash of it."""

    url: str = Field(description="With `&download` at its end the file is saved, not played.")


class ShareList(Document):
    """Those that work, newest first."""

    object: Literal["list"] = "list"
    data: list[ShareDocument]
    max_expires_in_seconds: int = Field(description="0: nobody may share.")


@router.post(
    "", name="create_share", status_code=201, responses=refusals(404, 408, 409, 410, 413, 422)
)
async def create_share(
    generation_id: GenerationId, body: ShareRequest, rt: Rt, caller: Active
) -> NewShareDocument:
    """Makes a link to the video for people without a key. It opens the video and tells nothing
    else. A video can have 50."""
    made = await sharing.share(rt, caller, generation_id, seconds=body.expires_in_seconds)
    return NewShareDocument(**asdict(made.share), url=made.url)


@router.get("", name="list_shares", responses=refusals(404, 422))
async def list_shares(generation_id: GenerationId, rt: Rt, caller: Caller) -> ShareList:
    """Lists the links to the video that work, also those that an administrator made. Their
    addresses are not shown again."""
    found = await sharing.list_shares(rt, caller, generation_id)
    return ShareList(
        data=[ShareDocument(**asdict(each)) for each in found],
        max_expires_in_seconds=rt.settings.max_share_seconds,
    )


@router.delete(
    "/{share_id}",
    name="revoke_share",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 422),
)
async def revoke_share(
    generation_id: GenerationId, share_id: ShareId, rt: Rt, caller: Active
) -> None:
    """Revokes a link for good: whoever opens it next gets 404. What is being played goes on to its
    end."""
    await sharing.revoke(rt, caller, generation_id, share_id)
