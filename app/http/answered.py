"""Notes when a client has been answered in full.

The SDKs that repeat a create for an hour stop once they have read its answer. A request that comes
before that may be such a repetition; one that comes later is another call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.db import unmarked_calls
from app.runtime import ApiRuntime
from app.telemetry import logger

log = logger(__name__)


class EndsCall(Response):
    """Another response, with which the call that made this generation is answered in full. That is
    recorded after it was written: if the process dies in between, or Postgres is away, the call
    counts as not answered, and the same request gets the same video."""

    def __init__(self, response: Response, rt: ApiRuntime, generation_id: UUID) -> None:
        self._response, self._rt, self._generation_id = response, rt, generation_id
        self.status_code, self.raw_headers = response.status_code, response.raw_headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(scope, receive, send)
        written_at = time.perf_counter()
        # The loop writes what it was given at the end of its turn.
        await asyncio.sleep(0)
        is_written: Callable[[], bool] = scope.get("reelgate.written", _always)
        if not is_written():
            return
        try:
            await unmarked_calls.end(
                self._rt.db.direct, self._generation_id,
                seconds_ago=time.perf_counter() - written_at, now=self._rt.clock.for_database(),
            )  # fmt: skip
        except Exception as fault:
            log.warning(
                "call_end_unrecorded", generation_id=str(self._generation_id), exc_info=fault
            )


def _always() -> bool:
    """For a server that does not say."""
    return True
