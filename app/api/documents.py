"""The documents of the own REST, as its OpenAPI describes them."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.domain.caller import Role, Status
from app.domain.generation import (
    AspectRatio,
    Duration,
    Generation,
    Resolution,
    State,
    VideoModel,
)
from app.views import Waiting


class AssetState(StrEnum):
    PENDING = "pending"
    ARCHIVED = "archived"
    LOST = "lost"
    DELETED = "deleted"


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class SpecDocument(Document):
    """What was asked; null where it was left to the upstream."""

    prompt: str
    model: VideoModel
    duration: Duration
    aspect_ratio: AspectRatio | None
    resolution: Resolution | None
    loop: bool | None


class ErrorDocument(Document):
    """Why there is no video."""

    code: str
    message: str


class VideoDocument(Document):
    """The file. `url` is a signed link that needs no key and works in a `<video>` tag; the measures
    are read from the file once it is archived."""

    url: str | None
    state: AssetState
    size_bytes: int | None
    sha256: str | None
    content_type: str
    duration_seconds: float | None
    width: int | None
    height: int | None
    codec: str | None
    mismatch: str | None = Field(description="Where the file is not what was asked for.")
    archived_at: datetime | None


class WaitingDocument(Document):
    """What a queued generation waits for: `queue`, `paused` or `upstream_unavailable`."""

    queue_position: int | None
    reason: str
    retry_after_seconds: int


class GenerationDocument(Document):
    id: UUID
    object: str = "generation"
    state: State
    feature: str
    provider: str
    member_id: UUID
    spec: SpecDocument
    quote_credits: int
    settled_credits: int | None
    upstream_paths: list[str]
    video: VideoDocument | None
    error: ErrorDocument | None
    waiting: WaitingDocument | None = Field(description="Only of a single, queued generation.")
    created_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None


class GenerationList(Document):
    object: str = "list"
    data: list[GenerationDocument]
    has_more: bool
    next_cursor: str | None


class TeamDocument(Document):
    id: UUID
    name: str


class RateDocument(Document):
    per_minute: int
    burst: int


class MeDocument(Document):
    """The caller: who it is, what it may do, and what of that is used."""

    member_id: UUID
    name: str
    role: Role
    status: Status
    team: TeamDocument
    credit_limit: int
    used_credits: int
    remaining_credits: int
    max_open: int
    open: int
    rate: RateDocument


class ProblemIssue(BaseModel):
    field: str
    code: str
    message: str
    value: Any = None
    allowed: list[Any] | None = None


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    billed: bool
    retry_safe: bool
    request_id: str
    errors: list[ProblemIssue] | None = None


def generation_document(
    generation: Generation, *, link: str | None, waiting: Waiting | None = None
) -> GenerationDocument:
    spec, asset = generation.spec, generation.asset
    return GenerationDocument.model_construct(
        id=generation.id,
        object="generation",
        state=generation.state,
        feature=generation.feature,
        provider=generation.provider,
        member_id=generation.member_id,
        spec=SpecDocument.model_construct(
            prompt=spec.prompt,
            model=spec.model,
            duration=spec.duration,
            aspect_ratio=spec.aspect_ratio,
            resolution=spec.resolution,
            loop=spec.loop,
        ),
        quote_credits=generation.quote,
        settled_credits=generation.settled,
        upstream_paths=list(generation.result_paths),
        video=None
        if asset is None
        else VideoDocument.model_construct(
            url=link,
            state=AssetState(asset.state),
            size_bytes=asset.size_bytes,
            sha256=asset.sha256,
            content_type=asset.content_type,
            duration_seconds=asset.duration_seconds,
            width=asset.width,
            height=asset.height,
            codec=asset.codec,
            mismatch=asset.mismatch,
            archived_at=asset.archived_at,
        ),
        error=None
        if generation.error_code is None
        else ErrorDocument.model_construct(
            code=generation.error_code, message=generation.error_message or ""
        ),
        waiting=None
        if waiting is None
        else WaitingDocument(
            queue_position=waiting.position,
            reason=waiting.reason,
            retry_after_seconds=math.ceil(waiting.retry_after_seconds),
        ),
        created_at=generation.created_at,
        submitted_at=generation.submitted_at,
        finished_at=generation.finished_at,
    )
