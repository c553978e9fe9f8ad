"""Generations as the upstream keeps and shows them."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.standin.accounts import Account

Json = dict[str, Any]
PROCESSING, SUCCESS, FAILURE = "PROCESSING", "SUCCESS", "FAILURE"


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _video_path() -> str:
    """`videos/YYYY_MM_DD_HH_mm_ss_ms_random.mp4`, a storage key and no URL."""
    now, dice = datetime.now(UTC), random.SystemRandom()
    milliseconds, number = now.microsecond // 1000, dice.randrange(10**6)
    return f"videos/{now:%Y_%m_%d_%H_%M_%S}_{milliseconds:03}_{number:06}.mp4"


@dataclass(slots=True)
class Record:
    """`ready_at` is an instant of the monotonic clock; `failure` is what the result shows instead
    of a path, where the video cannot be made."""

    account: Account
    asked: Json
    ready_at: float
    price: int
    failure: Any = None
    uuid: str = field(default_factory=lambda: str(uuid4()))
    path: str = field(default_factory=_video_path)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def prompt(self) -> str:
        return str(self.asked["promptObject"]["prompt"])

    @property
    def status(self) -> str:
        if time.monotonic() < self.ready_at:
            return PROCESSING
        return SUCCESS if self.failure is None else FAILURE

    def document(self, link: str) -> Json:
        """As every answer shows it; `link` is signed anew for each."""
        status = self.status
        result: Any = {SUCCESS: [self.path], FAILURE: self.failure, PROCESSING: []}[status]
        return {
            "aiRecord": {
                "uuid": self.uuid,
                "userId": self.account.user_id,
                "teamId": self.account.team_id,
                "teamUser": self.account.team_user(),
                "model": self.asked["model"],
                "type": self.asked["type"],
                "metadata": None,
                "rating": None,
                "feedback": None,
                "conversationId": None,
                "status": status,
                "createdAt": _stamp(self.created_at),
                "aiRecordDetail": {
                    "promptObject": dict(self.asked["promptObject"]),
                    "resultObject": result,
                    "responseObject": {},
                },
                "additionalData": None,
                **({"temporaryUrl": link} if status == SUCCESS else {}),
            }
        }
