"""A member's limits, in one word each: in the database's decision, in answers, and in metrics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Limit(StrEnum):
    """In the order in which they are looked at: the first that binds refuses."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    RATE_PER_MINUTE = "rate_per_minute"
    MAX_OPEN = "max_open"
    MEMBER_CREDIT_LIMIT = "member_credit_limit"
    TEAM_CREDIT_LIMIT = "team_credit_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """What is left of each limit of a member: the row of `reelgate_limits`.

    `binding_limit` is the one that refuses, None where none does; `retry_after_seconds` is None
    where time does not help. After `rate_reset_seconds` the whole burst is back.
    `team_credit_limit` is None where the team has none. What is used is None where admission had
    no need to look.
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
        """What a cap allows and how much of it is used; both are known."""
        allowed, used = {
            Limit.MAX_OPEN: (self.max_open, self.open_generations),
            Limit.MEMBER_CREDIT_LIMIT: (self.credit_limit, self.used_credits),
            Limit.TEAM_CREDIT_LIMIT: (self.team_credit_limit, self.team_used_credits),
        }[limit]
        assert allowed is not None
        assert used is not None
        return allowed, used
