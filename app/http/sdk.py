"""What the SDKs of OpenAI and Luma say about their own tries, in headers. Both are made with the
same generator, whose clients send a POST up to three times and count the tries."""

from __future__ import annotations

import re
import time

from starlette.requests import Request

from app.admission import SdkAttempt

#: What the SDKs wait for an answer where they do not say.
_DEFAULT_SECONDS = 600.0
_MOST_SECONDS = 3_600.0
#: Beside the client's own time: its pause between tries and what a proxy holds back.
_SLACK_SECONDS = 120.0


def sdk_attempt(request: Request) -> SdkAttempt | None:
    """Which try of its call this request is; None where no SDK counts."""
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
