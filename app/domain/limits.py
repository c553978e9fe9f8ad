"""A member's limits. Each has one name: in the database, in responses, and in metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.domain.accounts import Account, AccountKind, Period
from app.errors import InvalidRequest, Issue

#: The minimum and maximum of each limit of a member: more credits than the videos of a century
#: cost, and as many creates as the settings allow.
BOUNDS = {
    "credit_limit": (0, 10**15),
    "rate_per_minute": (1, 60_000),
    "rate_burst": (1, 60_000),
    "max_open": (1, 1_000_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits to give to a member. None keeps a limit as it is; a new member gets the configured
    default."""

    credit_limit: int | None = None
    credit_period: Period | None = None
    rate_per_minute: int | None = None
    rate_burst: int | None = None
    max_open: int | None = None

    def given(self) -> dict[str, Any]:
        """The limits that are not None. Raises `InvalidRequest`."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        for name in BOUNDS.keys() & given.keys():
            check_bound(name, given[name])
        return given


def check_bound(name: str, value: int) -> None:
    """Raises `InvalidRequest` if this limit cannot have the value."""
    least, most = BOUNDS[name]
    if not least <= value <= most:
        message = f"must be from {least} to {most}"
        raise InvalidRequest(issues=[Issue(name, "value", message, value)])


#: From the least to the most credits in the long run, of the same limit.
_PERIODS = [Period.NONE, Period.MONTH, Period.WEEK, Period.DAY]


def raises_credits(
    old_limit: int | None, old_period: Period, new_limit: int | None, new_period: Period
) -> bool:
    """Whether a credit limit becomes higher, or the same one begins anew more often. None: no
    limit."""
    if old_limit is None or new_limit is None:
        return old_limit is not None
    return new_limit > old_limit or _PERIODS.index(new_period) > _PERIODS.index(old_period)


class Limit(StrEnum):
    """In the order of the checks: the first that is exceeded refuses the request."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    RATE_PER_MINUTE = "rate_per_minute"
    KEY_RATE_PER_MINUTE = "key_rate_per_minute"
    MAX_OPEN = "max_open"
    KEY_MAX_OPEN = "key_max_open"
    KEY_CREDIT_LIMIT = "key_credit_limit"
    MEMBER_CREDIT_LIMIT = "member_credit_limit"
    TEAM_CREDIT_LIMIT = "team_credit_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """What is left of each limit of a member: a row of `reelgate_limits`.

    `binding_limit` is the one that refuses, or None. `retry_after_seconds` is None if waiting does
    not help. After `rate_reset_seconds` the whole burst is available. What begins with `key_` is
    None if the key has no such limit. `open_generations` is None, and `accounts` are empty, if
    admission did not need them.
    """

    binding_limit: Limit | None
    retry_after_seconds: float | None
    rate_per_minute: int
    rate_burst: int
    rate_window_seconds: float
    rate_remaining: int
    rate_reset_seconds: float
    key_rate_per_minute: int | None
    key_rate_burst: int | None
    key_rate_window_seconds: float | None
    key_rate_remaining: int | None
    key_rate_reset_seconds: float | None
    max_open: int
    open_generations: int | None
    key_max_open: int | None
    key_open_generations: int | None
    accounts: tuple[Account, ...]

    def account(self, kind: AccountKind) -> Account:
        return next(account for account in self.accounts if account.kind is kind)


#: The account whose limit each of these is.
ACCOUNT_OF_LIMIT = {
    Limit.KEY_CREDIT_LIMIT: AccountKind.KEY,
    Limit.MEMBER_CREDIT_LIMIT: AccountKind.MEMBER,
    Limit.TEAM_CREDIT_LIMIT: AccountKind.TEAM,
}
