"""The accounts of 1min.ai. Each key has its own, with a team, a credit limit and used credit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMES = UUID("6d1f7a52-9f5c-5a0e-8d0c-51a1e0c7b001")

REJECTIONS = ("deleted", "inactive")


def fingerprint(key: str) -> str:
    """What is stored in place of the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`rejected` is None or, for a key that gets 401, one of `REJECTIONS`."""

    fingerprint: str
    credit_limit: int
    used: int
    rejected: str | None
    created_at: float
    updated_at: float

    @property
    def balance(self) -> int:
        return max(0, self.credit_limit - self.used)

    @property
    def user_id(self) -> UUID:
        return uuid5(_NAMES, f"user {self.fingerprint}")

    @property
    def team_id(self) -> UUID:
        return uuid5(_NAMES, f"team {self.fingerprint}")
