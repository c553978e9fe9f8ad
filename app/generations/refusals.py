"""The errors of admission: which limit refused a request, its figures, and when to come back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NoReturn

from app.domain.limits import ACCOUNT_OF_LIMIT, Limit, LimitStatus
from app.errors import (
    IdempotencyMismatch,
    InsufficientCredits,
    Issue,
    MaxOpenReached,
    Paused,
    RateLimited,
    Suspended,
)


def rate_headers(limits: LimitStatus) -> dict[str, str]:
    """RateLimit fields of the IETF draft: requests left in the window, and seconds until it is full
    again; of the member, and of a key with a rate of its own."""
    policies = [f'"member";q={limits.rate_burst};w={math.ceil(limits.rate_window_seconds)}']
    left = [f'"member";r={max(limits.rate_remaining, 0)};t={math.ceil(limits.rate_reset_seconds)}']
    if limits.key_rate_per_minute is not None:
        window = math.ceil(limits.key_rate_window_seconds or 0)
        policies.append(f'"key";q={limits.key_rate_burst};w={window}')
        reset = math.ceil(limits.key_rate_reset_seconds or 0)
        left.append(f'"key";r={max(limits.key_rate_remaining or 0, 0)};t={reset}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


_RATES: dict[Limit, Callable[[LimitStatus], tuple[int | None, int | None]]] = {
    Limit.RATE_PER_MINUTE: lambda limits: (limits.rate_per_minute, limits.rate_burst),
    Limit.KEY_RATE_PER_MINUTE: lambda limits: (limits.key_rate_per_minute, limits.key_rate_burst),
}
_CAPS: dict[Limit, Callable[[LimitStatus], tuple[int | None, int | None]]] = {
    Limit.MAX_OPEN: lambda limits: (limits.max_open, limits.open_generations),
    Limit.KEY_MAX_OPEN: lambda limits: (limits.key_max_open, limits.key_open_generations),
}


def refuse(outcome: str, limits: LimitStatus, quote: int) -> NoReturn:
    """Raises the error for any decision that is not an acceptance."""
    if outcome == "idempotency_mismatch":
        raise IdempotencyMismatch(
            issues=[Issue("Idempotency-Key", "value", "already used with another body")]
        )
    wait = limits.retry_after_seconds
    headers, refused_by = rate_headers(limits), Limit(outcome)
    if refused_by is Limit.SUSPENDED:
        raise Suspended()
    if refused_by is Limit.PAUSED:
        raise Paused(retry_after_seconds=wait)
    if refused_by in _RATES:
        per_minute, burst = _RATES[refused_by](limits)
        raise RateLimited(
            f"The limit of {per_minute} requests per minute (burst {burst}) is reached; try again "
            f"in {math.ceil(wait or 0)} s.",
            retry_after_seconds=wait,
            headers=headers,
            extra={"limit": refused_by, "limit_value": per_minute},
        )
    if refused_by in _CAPS:
        max_open, opened = _CAPS[refused_by](limits)
        raise MaxOpenReached(
            f"{opened} generations are in progress and the limit is {max_open}; wait for one to "
            "finish.",
            retry_after_seconds=wait,
            headers=headers,
            extra={"limit": refused_by, "limit_value": max_open, "used_value": opened},
        )
    account = limits.account(ACCOUNT_OF_LIMIT[refused_by])
    allowed = f"{account.kind.value}'s {account.credit_limit}"
    if account.granted:
        allowed += f", and {account.granted} granted,"
    said, resets_at = ".", None
    if account.resets_at is not None:
        resets_at = account.resets_at.isoformat().replace("+00:00", "Z")
        said = (
            f" this {account.period.value}; the next begins at {resets_at} ({account.time_zone})."
        )
    raise InsufficientCredits(
        f"This request is quoted at {quote} credits; {account.used} of the "
        f"{allowed} are used or reserved{said}",
        retry_after_seconds=wait,
        headers=headers,
        extra={
            "limit": refused_by,
            "limit_value": account.credit_limit,
            "granted_value": account.granted,
            "used_value": account.used,
            "held_value": account.held,
            "remaining_value": account.remaining,
            "quote": quote,
            "period": account.period.value,
            "time_zone": account.time_zone,
            "resets_at": resets_at,
        },
    )
