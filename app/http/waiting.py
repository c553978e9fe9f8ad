"""Delays the response to a create until there is a video, for as long as the caller can wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from starlette.requests import Request

from app.domain.caller import Caller
from app.generations import queries
from app.http.prefer import Preference, parse_prefer
from app.http.sdk_retries import read_seconds
from app.runtime import ApiRuntime

#: An SDK that waits longer than its timeout sends the call again. This much of the timeout is left
#: for the way back.
_SPARE_SECONDS = 5.0


class WaitPolicy(Enum):
    """When the answer to a create waits for the video."""

    #: The body says not to wait.
    NEVER = auto()
    #: Only if `Prefer: wait=N` requests it.
    ON_REQUEST = auto()
    #: Unless `Prefer` says otherwise.
    BY_DEFAULT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """`seconds` is how long the wait was allowed to take; 0 if there was none."""

    seconds: float
    headers: dict[str, str]


async def wait_for_end(
    rt: ApiRuntime, request: Request, caller: Caller, generation_id: UUID, *, policy: WaitPolicy
) -> Wait:
    """Waits as `policy` and `Prefer` say. The body must already be read."""
    prefer = parse_prefer(request.headers.getlist("prefer"))
    longest = rt.settings.wait_seconds
    if policy is not WaitPolicy.BY_DEFAULT:
        longest = max(min(longest, read_seconds(request) - _SPARE_SECONDS), 0.0)
    seconds = _seconds(prefer, policy, longest)
    await queries.wait_until_closed(
        rt, caller, generation_id, seconds=seconds, gone=lambda: _hung_up(request)
    )
    applied = prefer.applied(seconds)
    return Wait(seconds=seconds, headers={"Preference-Applied": applied} if applied else {})


def _seconds(prefer: Preference, policy: WaitPolicy, longest: float) -> float:
    """`respond-async` alone means no wait; with `wait`, the wait comes first."""
    if policy is WaitPolicy.NEVER:
        return 0.0
    if prefer.wait_seconds is not None:
        return min(prefer.wait_seconds, longest)
    return longest if policy is WaitPolicy.BY_DEFAULT and not prefer.respond_async else 0.0


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
