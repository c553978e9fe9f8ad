"""The accounts that pay: who owns a key, what it has used, and how often it may ask."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

#: "Default rate limit: 180 requests per minute."
RATE_PER_MINUTE = 180
_MINUTE_SECONDS = 60.0
CREATED_AT = "2025-11-25T11:04:08.620Z"


@dataclass(slots=True)
class Account:
    """A key belongs to one member of a team. Everything here but the key is personal data that
    rides along in every record."""

    key: str
    number: int
    credit_limit: int = 100_000_000
    used: int = 12_472_338
    rate_per_minute: int = RATE_PER_MINUTE
    active: bool = True
    _shown: int = 0
    _asked: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._shown = self.used

    @property
    def user_id(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"standin user {self.number}"))

    @property
    def team_id(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"standin team {self.number}"))

    @property
    def name(self) -> str:
        return f"Zdeněk Owner-{self.number} O’Canary"

    @property
    def mail(self) -> str:
        return f"owner-{self.number}@canary.example"

    @property
    def avatar(self) -> str:
        return f"https://lh3.googleusercontent.com/a/ACg8canary{self.number}=s96-c"

    @property
    def canaries(self) -> tuple[str, ...]:
        """What must reach nobody but the operator. A name is also looked for by its rarest word."""
        return (
            self.key, self.user_id, self.team_id, self.name, f"Owner-{self.number}", self.mail,
            self.avatar, "ACg8canary",
        )  # fmt: skip

    def may_ask(self) -> bool:
        """Counts a request, unless a minute's worth of them has come in the last minute."""
        now = time.monotonic()
        while self._asked and self._asked[0] <= now - _MINUTE_SECONDS:
            self._asked.popleft()
        if len(self._asked) >= self.rate_per_minute:
            return False
        self._asked.append(now)
        return True

    def team_user(self) -> dict[str, Any]:
        """As it rides along in an answer: `usedCredit` lags by one request."""
        shown, self._shown = self._shown, self.used
        return {
            "teamId": self.team_id, "userId": self.user_id, "userName": self.name,
            "userAvatar": self.avatar, "status": "ACTIVE", "role": "ADMIN",
            "creditLimit": self.credit_limit, "usedCredit": shown, "createdAt": CREATED_AT,
            "createdBy": "SYSTEM", "updatedAt": CREATED_AT, "updatedBy": "SYSTEM",
        }  # fmt: skip
