"""A record and what it shows at a given time.

Pure: the stage follows from the time alone, so no background task has to survive a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.domain.catalog.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`prompt_object` holds the fields as sent. `used_before` is the account's used credit before
    this record was billed.

    `fault_effect` is what the fault of its submission changes in later look-ups: `{}`,
    `{"name": ..., options}` or `{"failure": {"status", "result"}}`.
    """

    uuid: UUID
    account: str
    created_at: float
    finish_at: float
    storage_key: str
    spec: Spec
    prompt_object: Mapping[str, Any]
    billed: int
    used_before: int
    fault_effect: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a record shows: `result` is its resultObject, `has_link` whether there is a video."""

    status: str
    result: Any
    has_link: bool = False


PROCESSING = Stage(status="PROCESSING", result=[])


def stage_at(record: Record, now: float) -> Stage | None:
    """None if the upstream no longer knows the record."""
    name = record.fault_effect.get("name")
    if now < record.finish_at or name == "never_finish":
        if name == "unknown_status":
            return Stage(status=record.fault_effect["word"], result=[])
        return PROCESSING
    if name == "turn_null":
        return None
    if "failure" in record.fault_effect:
        return Stage(
            status=record.fault_effect["failure"]["status"],
            result=record.fault_effect["failure"]["result"],
        )
    return Stage(status="SUCCESS", result=[record.storage_key], has_link=True)


def storage_key(uuid: UUID, finish_at: float) -> str:
    return f"development/videos/{file_stamp(uuid, finish_at)}.mp4"


def file_stamp(uuid: UUID, at: float) -> str:
    """The upstream's names of files: the time, then digits that make the name unique."""
    moment = datetime.fromtimestamp(at, UTC)
    stamp = f"{moment:%Y_%m_%d_%H_%M_%S}_{moment.microsecond // 1000:03d}"
    return f"{stamp}_{uuid.int % 10**12:012d}"
