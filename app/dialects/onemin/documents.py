"""The 1min.ai dialect's answers, as the OpenAPI document describes them. `wire` writes them; a test
holds that the two agree."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RecordStatus(StrEnum):
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class TeamUser(BaseModel):
    """You, with your limit and what of it is used, from the gateway's own books."""

    teamId: str
    userId: str
    userName: str
    userAvatar: str | None
    status: str
    role: str
    creditLimit: int
    usedCredit: int
    createdAt: str
    createdBy: str
    updatedAt: str
    updatedBy: str


class RecordFailure(BaseModel):
    code: str | None
    message: str | None


class RecordDetail(BaseModel):
    promptObject: dict[str, Any] = Field(description="What was asked.")
    resultObject: list[str] | RecordFailure = Field(
        description="The video's path at the upstream, or why there is none."
    )
    responseObject: dict[str, Any]


class AiRecord(BaseModel):
    uuid: str
    userId: str
    teamId: str
    teamUser: TeamUser
    model: str
    type: str
    metadata: dict[str, Any] | None
    rating: int | None
    feedback: str | None
    conversationId: str | None
    status: RecordStatus = Field(
        description="`PROCESSING` until it has ended, also while its outcome is unknown."
    )
    createdAt: str
    aiRecordDetail: RecordDetail
    additionalData: dict[str, Any] | None = Field(
        description="Of a failed record: whether it was billed. Of one whose outcome is unknown: "
        "that it is."
    )
    temporaryUrl: str | None = Field(
        description="A signed link that plays without a key; null until there is a video."
    )


class FeatureResult(BaseModel):
    aiRecord: AiRecord


class ResultLookup(BaseModel):
    """`aiRecord` is null for a uuid that is unknown or somebody else's."""

    aiRecord: AiRecord | None


class NativeIssue(BaseModel):
    field: str
    code: str
    message: str
    value: Any = None
    allowed: list[Any] | None = None


class NativeError(BaseModel):
    """Why a request was refused. `billed`, `retry_safe` and `requestId` are the gateway's own."""

    model_config = ConfigDict(extra="allow")

    errorCode: str
    message: str
    details: list[NativeIssue] | None = None
    context: dict[str, Any] | None = Field(
        None,
        description="Figures of the limit that refused it; `uuid`: the record that exists although "
        "this request failed.",
    )
    billed: bool | None = Field(
        description="Whether this request set aside or spent credits. Null: nobody can know yet."
    )
    retry_safe: bool
    requestId: str
