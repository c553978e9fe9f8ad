"""A generation as the own REST shows it, and the format of its errors."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.domain.assets import AssetState
from app.domain.catalog.spec import Spec
from app.domain.generation import Generation, State
from app.domain.links import Links
from app.generations.progress import Progress
from app.generations.queries import Waiting

PRICE = "The id of the price that this is, or `default`: that of the gateway's price file."


class WaitingReason(StrEnum):
    QUEUE = "queue"
    PAUSED = "paused"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class FailureDocument(Document):
    """Why there is no video."""

    code: str = Field(description="One of the failure codes in the reference, such as `canceled`.")
    message: str = Field(description="A sentence that you may show to people.")


class VideoDocument(Document):
    """The file. Its properties are read from the file once it is archived, and null until then."""

    url: str | None = Field(
        description="A signed link that needs no key and works in a `<video>` tag. It changes with "
        "every response and expires after some days. Null once the video is deleted or lost."
    )
    thumbnail_url: str | None = Field(
        description="A signed link like `url`, to one frame as WebP, for an `<img>` or the "
        "`poster` of a `<video>`. Until the video is archived it answers 409. Null when `url` is."
    )
    state: AssetState = Field(
        description="`pending`: playable, and being archived. `archived`: kept. "
        "`deleted`, `lost`: no longer available."
    )
    size_bytes: int | None
    sha256: str | None = Field(description="Checksum of the file, in hex.")
    content_type: str
    duration_seconds: float | None
    width: int | None = Field(description="Pixels.")
    height: int | None = Field(description="Pixels.")
    codec: str | None
    mismatch: str | None = Field(
        description="How the file differs from what was requested; null if it does not."
    )
    archived_at: datetime | None


class WaitingDocument(Document):
    """Why a queued generation has not been sent yet."""

    queue_position: int | None = Field(
        description="1 is next; 1000 stands for all from there on. Null: it is being sent."
    )
    reason: WaitingReason = Field(
        description="`queue`: others are ahead of it. `paused`: an operator paused submissions. "
        "`upstream_unavailable`: 1min.ai cannot be used at the moment."
    )
    retry_after_seconds: int = Field(description="When to check again.")


class ProgressDocument(Document):
    """How long it has been in progress, and how long similar generations (same model and length)
    took. There is no percentage, since nobody knows it. For a progress bar, use `p90_seconds` as
    its length."""

    elapsed_seconds: float = Field(
        description="From being sent upstream until now, or until it ended. 0 while it is queued."
    )
    p50_seconds: float | None = Field(
        description="Half of the recent similar ones took no longer. Null: too few to tell."
    )
    p90_seconds: float | None = Field(
        description="Nine in ten of the recent similar ones took no longer. Null: too few to tell."
    )


class SpecDocument(Document):
    """What was asked for. Null: that was left to the upstream, or this model has no such field.
    There are the other fields that its request had, too."""

    model_config = ConfigDict(frozen=True, extra="allow")

    prompt: str | None
    model: str
    duration: str | None = Field(description="As `5s`.")
    aspect_ratio: str | None = Field(description="As `16:9`.")
    resolution: str | None = Field(description="As `720p`.")
    loop: bool | None


class InputUseDocument(Document):
    """An image that a generation is made of, as it was then."""

    field: str = Field(description="The field of `spec` that it is in.")
    input_id: UUID = Field(
        description="Look it up with `get_input`: it is kept as long as the video, unless you "
        "delete it."
    )
    sha256: str
    content_type: str
    size_bytes: int
    width: int
    height: int


class GenerationDocument(Document):
    """One paid request for one video, and its result."""

    id: UUID
    object: Literal["generation"]
    state: State = Field(
        description="`queued`, `submitting` and `running` are in progress. `succeeded`, `failed` "
        "and `canceled` are final. `unknown`: the upstream's response was lost. The gateway is "
        "finding out what became of it; its credits stay reserved."
    )
    feature: str
    provider: str
    dialect: str = Field(description="The API that created it: `rest`, `onemin`, …")
    member_id: UUID
    spec: SpecDocument
    quote_credits: int = Field(description="The price when it was accepted.")
    settled_credits: int | None = Field(description="What it cost in the end. Null until then.")
    price: str = Field(description=PRICE)
    upstream_paths: list[str] = Field(
        description="The upstream's storage paths of the video, at most ten. Paths that are not of "
        "the form the upstream documents are left out."
    )
    video: VideoDocument | None = Field(description="Null until there is a video.")
    error: FailureDocument | None = Field(
        description="Set if the generation failed, was canceled, or is unknown."
    )
    waiting: WaitingDocument | None = Field(
        description="Why a queued generation has not been sent yet. Null in lists, and in the "
        "response to a create that nothing holds up."
    )
    progress: ProgressDocument
    remixed_from: UUID | None = Field(description="The generation this one is a remix of.")
    callback_url: str | None = Field(
        description="The address that receives a webhook when it ends."
    )
    user: str | None = Field(
        description="Whom it is for, as the create said; in the Luma Agents API, its `user_id`."
    )
    metadata: dict[str, str] = Field(description="Its tags, as the create said.")
    inputs: list[InputUseDocument] = Field(description="The images that it is made of.")
    favorite: bool | None = Field(
        description="Whether you marked it, in lists and in `get_generation`. Null in all other "
        "responses, in events and in webhooks."
    )
    created_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None


class GenerationList(Document):
    """One page, newest first. A search can have more pages although this one is short or empty."""

    object: Literal["list"]
    data: list[GenerationDocument]
    has_more: bool
    next_cursor: str | None = Field(
        description="Pass it as `cursor` to get the next page. Null: this is the last page."
    )


class ProblemIssue(BaseModel):
    """One thing wrong with one field of the request."""

    field: str = Field(description="The name of the field; nested names are joined with dots.")
    code: str = Field(description="`missing`, `unknown`, `type` or `value`.")
    message: str
    value: Any = Field(None, description="What you sent, shortened.")
    allowed: list[Any] | None = Field(
        None, description="The allowed values, if they can be listed."
    )


class Problem(BaseModel):
    """Why a request was refused: RFC 9457 problem details. Branch on `code`, show `detail`. Some
    codes add members that name the limit that was reached and how much of it is used."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:reelgate:error:` and the code.")
    title: str = Field(description="The same sentence for every error with this code.")
    status: int
    detail: str = Field(description="What is wrong with this request, for people.")
    code: str = Field(description="What went wrong, for programs; the reference lists all codes.")
    billed: bool | None = Field(
        description="Whether this request reserved or spent credits. Null: not known yet."
    )
    retry_safe: bool = Field(
        description="True if sending the same request again cannot pay for a second video."
    )
    request_id: str = Field(description="Identifies this request in the gateway's log.")
    generation_id: UUID | None = Field(
        None, description="The generation that exists although this request failed: look it up."
    )
    errors: list[ProblemIssue] | None = Field(None, description="Every field that is wrong.")


def generation_document(
    generation: Generation,
    *,
    links: Links | None,
    progress: Progress,
    waiting: Waiting | None = None,
    favorite: bool | None = None,
) -> GenerationDocument:
    asset = generation.asset
    return GenerationDocument.model_construct(
        id=generation.id,
        object="generation",
        state=generation.state,
        feature=generation.feature,
        provider=generation.provider,
        dialect=generation.dialect,
        member_id=generation.member_id,
        spec=spec_document(generation.spec),
        quote_credits=generation.quote,
        settled_credits=generation.settled,
        price=price_name(generation.price_id),
        upstream_paths=list(generation.result_paths),
        video=None
        if asset is None
        else VideoDocument.model_construct(
            url=None if links is None else links.video,
            thumbnail_url=None if links is None else links.thumbnail,
            state=asset.state,
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
        else FailureDocument.model_construct(
            code=generation.error_code, message=generation.error_message or ""
        ),
        waiting=None
        if waiting is None
        else WaitingDocument(
            queue_position=waiting.position,
            reason=WaitingReason(waiting.reason),
            retry_after_seconds=math.ceil(waiting.retry_after_seconds),
        ),
        progress=ProgressDocument.model_construct(
            elapsed_seconds=round(progress.elapsed_seconds, 3),
            p50_seconds=_rounded(progress.p50_seconds),
            p90_seconds=_rounded(progress.p90_seconds),
        ),
        remixed_from=generation.remixed_from,
        callback_url=generation.callback_url,
        user=generation.end_user,
        metadata=dict(generation.metadata),
        inputs=[InputUseDocument.model_construct(**asdict(use)) for use in generation.inputs],
        favorite=favorite,
        created_at=generation.created_at,
        submitted_at=generation.submitted_at,
        finished_at=generation.finished_at,
    )


_UNSAID: dict[str, Any] = dict.fromkeys(SpecDocument.model_fields)


def spec_document(spec: Spec) -> SpecDocument:
    return SpecDocument.model_construct(**_UNSAID | spec.to_json())


def price_name(price_id: UUID | None) -> str:
    return "default" if price_id is None else str(price_id)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
