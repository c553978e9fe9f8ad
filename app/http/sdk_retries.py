"""The headers in which the SDKs of OpenAI and Luma count their attempts, and the response headers
that tell them whether to retry. Both SDKs come from one generator: they send a POST up to three
times, count the attempts, and obey `x-should-retry`."""

from __future__ import annotations

import math
import re
import time

from starlette.requests import Request

from app.errors import (
    GatewayError,
    MaxOpenReached,
    NotReady,
    RateLimited,
    RequestTimedOut,
    Unavailable,
)
from app.generations.admission import SdkAttempt

#: How long the SDKs wait for a response if they do not say.
_DEFAULT_SECONDS = 600.0
_MOST_SECONDS = 3_600.0
#: Added to the client's own timeout: its pause between attempts, and delays in proxies.
_SLACK_SECONDS = 120.0
#: OpenRouter's SDKs begin no attempt later than this after the first: they repeat for an hour,
#: after pauses of at most a minute.
UNMARKED_SECONDS = 3_600.0 + 60.0 + _SLACK_SECONDS
#: Some SDKs ignore a Retry-After of a minute or more and retry after half a second instead.
_LONGEST_RETRY_SECONDS = 59
#: Errors that pass by themselves, and after which nothing was accepted.
_PASSING = (RateLimited, MaxOpenReached, Unavailable, RequestTimedOut)


def sdk_attempt(request: Request) -> SdkAttempt | None:
    """Which attempt at its call this request is; None if no SDK counts."""
    counted = request.headers.get("x-stainless-retry-count", "")
    if not re.fullmatch(r"[0-9]{1,3}", counted):
        return None
    return SdkAttempt(
        count=int(counted),
        arrived_at=_arrived_at(request),
        window_seconds=read_seconds(request) + _SLACK_SECONDS,
    )


def unmarked_attempt(request: Request) -> SdkAttempt:
    """The same for the SDKs of OpenRouter, which repeat a create and say nothing of it."""
    return sdk_attempt(request) or SdkAttempt(
        count=None, arrived_at=_arrived_at(request), window_seconds=UNMARKED_SECONDS
    )


def _arrived_at(request: Request) -> float:
    started: float = request.scope.get("reelgate.started", time.perf_counter())
    return started


def read_seconds(request: Request) -> float:
    """How long the SDK waits for a response."""
    for name in ("x-stainless-read-timeout", "x-stainless-timeout"):
        said = request.headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", said):
            return min(float(said), _MOST_SECONDS)
    return _DEFAULT_SECONDS


def retry_headers(error: GatewayError) -> dict[str, str]:
    """Tells the SDK whether and when to retry. Without them it decides by the status alone."""
    again = isinstance(error, _PASSING) and error.retry_safe
    if isinstance(error, NotReady):
        # Retry only if another attempt makes sense within seconds; not for a video that takes
        # minutes.
        again = error.retry_after_seconds is not None
    headers = {"x-should-retry": "true" if again else "false"}
    if error.retry_after_seconds is not None:
        seconds = min(max(1, math.ceil(error.retry_after_seconds)), _LONGEST_RETRY_SECONDS)
        headers["Retry-After"] = str(seconds)
    return headers
