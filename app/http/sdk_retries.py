"""The headers in which the SDKs of OpenAI and Luma count their attempts, and those that say whether
to make another. One generator makes both; its clients send a POST up to three times, count the
attempts, and obey `x-should-retry`."""

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

#: What the SDKs wait for an answer where they do not say.
_DEFAULT_SECONDS = 600.0
_MOST_SECONDS = 3_600.0
#: Beside the client's own time: its pause between attempts and what a proxy holds back.
_SLACK_SECONDS = 120.0
#: A Retry-After of a minute is not heeded by all of them: they come back in half a second instead.
_LONGEST_RETRY_SECONDS = 59
#: What passes by itself, and of which nothing was taken.
_PASSING = (RateLimited, MaxOpenReached, Unavailable, RequestTimedOut)


def sdk_attempt(request: Request) -> SdkAttempt | None:
    """Which attempt at its call this request is; None where no SDK counts."""
    counted = request.headers.get("x-stainless-retry-count", "")
    if not re.fullmatch(r"[0-9]{1,3}", counted):
        return None
    started = request.scope.get("reelgate.started", time.perf_counter())
    return SdkAttempt(
        count=int(counted),
        waited_seconds=time.perf_counter() - started,
        window_seconds=read_seconds(request) + _SLACK_SECONDS,
    )


def read_seconds(request: Request) -> float:
    """How long the SDK waits for an answer."""
    for name in ("x-stainless-read-timeout", "x-stainless-timeout"):
        said = request.headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", said):
            return min(float(said), _MOST_SECONDS)
    return _DEFAULT_SECONDS


def retry_headers(error: GatewayError) -> dict[str, str]:
    """Whether the SDK may send its request again by itself, which it would else decide by the
    status alone, and when."""
    again = isinstance(error, _PASSING) and error.retry_safe
    if isinstance(error, NotReady):
        # A look that makes sense again in seconds; not one at a video that takes minutes.
        again = error.retry_after_seconds is not None
    headers = {"x-should-retry": "true" if again else "false"}
    if error.retry_after_seconds is not None:
        seconds = min(max(1, math.ceil(error.retry_after_seconds)), _LONGEST_RETRY_SECONDS)
        headers["Retry-After"] = str(seconds)
    return headers
