"""The 1min.ai dialect's responses, as the OpenAPI document describes them. `wire` renders them; a
test checks that the two agree."""

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
    """You, with your credit limit and its use, from the gateway's own ledger."""

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
    promptObject: dict[str, Any] = Field(description="What was requested.")
    resultObject: list[str] | RecordFailure = Field(
        description="The path of the video at the upstream, unless it is not of the documented "
        "form, or why there is no video."
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
        description="`PROCESSING` until it has ended, and while its outcome is unknown."
    )
    createdAt: str
    aiRecordDetail: RecordDetail
    additionalData: dict[str, Any] | None = Field(
        description="For a failed record: whether it was billed. For a record whose outcome is "
        "unknown: that it is unknown."
    )
    temporaryUrl: str | None = Field(
        description="A signed link that needs no key; null until there is a video."
    )


class FeatureResult(BaseModel):
    aiRecord: AiRecord


class ResultLookup(BaseModel):
    """`aiRecord` is null if the uuid is unknown or belongs to somebody else."""

    aiRecord: AiRecord | None


class AssetMetadata(BaseModel):
    team_id: str = Field(alias="team-id")
    user_id: str = Field(alias="user-id")


class UploadedAsset(BaseModel):
    fieldname: str
    originalname: str
    encoding: str
    mimetype: str = Field(description="What the file really is.")
    size: int
    bucket: str
    key: str = Field(description="Send it as `imageUrl`.")
    acl: str
    contentType: str
    contentDisposition: str | None
    contentEncoding: str | None
    storageClass: str
    serverSideEncryption: str | None
    metadata: AssetMetadata
    location: str = Field(description="Where the image is; needs your key.")
    etag: str


class ContentCounts(BaseModel):
    token: int
    character: int


class FileContent(BaseModel):
    uuid: str
    path: str = Field(description="The same as `asset.key`.")
    type: str
    name: str
    content: str | None
    status: str
    metadata: ContentCounts
    createdAt: str


class AssetUpload(BaseModel):
    """An uploaded image, which the gateway calls an input."""

    asset: UploadedAsset
    fileContent: FileContent


class NativeIssue(BaseModel):
    field: str
    code: str
    message: str
    value: Any = None
    allowed: list[Any] | None = None


class NativeError(BaseModel):
    """Why a request was refused. The gateway adds `billed`, `retry_safe` and `requestId`."""

    model_config = ConfigDict(extra="allow")

    errorCode: str
    message: str
    details: list[NativeIssue] | None = None
    context: dict[str, Any] | None = Field(
        None,
        description="The limit that was reached and its figures. `uuid`: the record that exists "
        "although this request failed.",
    )
    billed: bool | None = Field(
        description="Whether this request reserved or spent credits. Null: not known yet."
    )
    retry_safe: bool
    requestId: str
