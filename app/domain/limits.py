"""A member's limits. Each has one name: in the database, in responses, and in metrics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Limit(StrEnum):
    """In the order of the checks: the first that is exceeded refuses the request."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    RATE_PER_MINUTE = "rate_per_minute"
    MAX_OPEN = "max_open"
    MEMBER_CREDIT_LIMIT = "member_credit_limit"
    TEAM_CREDIT_LIMIT = "team_credit_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """What is left of each limit of a member: a row of `reelgate_limits`.

    `binding_limit` is the one that refuses, or None. `retry_after_seconds` is None if waiting does
    not help. After `rate_reset_seconds` the whole burst is available. `team_credit_limit` is None
    if the team has none. A used amount is None if admission did not need it.
    """

    binding_limit: Limit | None
    retry_after_seconds: float | None
    rate_per_minute: int
    rate_burst: int
    rate_window_seconds: float
    rate_remaining: int
    rate_reset_seconds: float
    max_open: int
    open_generations: int | None
    credit_limit: int
    used_credits: int | None
    team_credit_limit: int | None
    team_used_credits: int | None

    def figures(self, limit: Limit) -> tuple[int, int]:
        """What a cap allows and how much of it is used, if both are known."""
        allowed, used = {
            Limit.MAX_OPEN: (self.max_open, self.open_generations),
            Limit.MEMBER_CREDIT_LIMIT: (self.credit_limit, self.used_credits),
            Limit.TEAM_CREDIT_LIMIT: (self.team_credit_limit, self.team_used_credits),
        }[limit]
        assert allowed is not None
        assert used is not None
        return allowed, used
