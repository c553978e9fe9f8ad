"""Waiting inside an SDK's call: only where `Prefer: wait=N` asks for it. An SDK that waits longer
than it has patience sends the call again."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from app.domain.caller import Caller
from app.generations import queries
from app.http.prefer import parse_prefer
from app.http.sdk_retries import read_seconds
from app.runtime import Runtime

#: What is left of the SDK's own time for the way back.
_SPARE_SECONDS = 5.0


async def wait_where_preferred(
    rt: Runtime, request: Request, caller: Caller, generation_id: UUID
) -> tuple[bool, dict[str, str]]:
    """Whether the generation came to rest meanwhile, and `Preference-Applied`. The body has been
    read."""
    prefer = parse_prefer(request.headers.getlist("prefer"))
    longest = max(min(rt.settings.wait_seconds, read_seconds(request) - _SPARE_SECONDS), 0.0)
    seconds = 0.0 if prefer.wait_seconds is None else prefer.patience(longest)
    waited = await queries.wait_for_rest(
        rt, caller, generation_id, seconds=seconds, gone=lambda: gone(request)
    )
    applied = prefer.applied(longest)
    return waited, {"Preference-Applied": applied} if applied else {}


async def gone(request: Request) -> None:
    """Returns when the caller hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
