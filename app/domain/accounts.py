"""Accounts: where the credits of a key, a member or a team are counted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Period(StrEnum):
    """How often an account begins anew, in the time zone of its team: at midnight, on Mondays, on
    the first day of a month, or never."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class AccountKind(StrEnum):
    """In the order in which they are checked."""

    KEY = "key"
    MEMBER = "member"
    TEAM = "team"


def remaining_credits(limit: int | None, granted: int, used: int) -> int | None:
    """Never negative: a limit that was lowered, or a grant that ended, leaves nothing. None without
    a limit."""
    return None if limit is None else max(limit + granted - used, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account in the period it is in. `held` credits are set aside for generations that have
    not ended, `settled` are spent. `credit_limit` is None if it has no limit of its own;
    `granted` are added to it for now. `resets_at` is None if its period never ends."""

    kind: AccountKind
    credit_limit: int | None
    granted: int
    period: Period
    time_zone: str
    held: int
    settled: int
    resets_at: datetime | None

    @property
    def used(self) -> int:
        return self.held + self.settled

    @property
    def remaining(self) -> int | None:
        """None without a limit."""
        return remaining_credits(self.credit_limit, self.granted, self.used)


def account_from(figures: Mapping[str, Any]) -> Account:
    """From the JSON that the database makes of an account."""
    resets_at = figures["resets_at"]
    return Account(
        kind=AccountKind(figures["kind"]),
        credit_limit=figures["credit_limit"],
        granted=figures["granted"],
        period=Period(figures["period"]),
        time_zone=figures["time_zone"],
        held=figures["held"],
        settled=figures["settled"],
        resets_at=resets_at and instant(resets_at),
    )


def instant(text: str) -> datetime:
    """From JSON of the database, which has the offset of its session."""
    return datetime.fromisoformat(text).astimezone(UTC)


def binding(accounts: Sequence[Account]) -> Account:
    """The one with the least left, which is what a caller can still spend; of several, the
    narrowest. One of them has a limit: a member always does."""
    limited = [account for account in accounts if account.remaining is not None]
    return min(limited, key=lambda account: account.remaining or 0)
