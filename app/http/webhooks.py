"""What both APIs for webhook endpoints share: the pace of changes, and tests."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.domain.caller import Caller as CallerRecord
from app.domain.webhooks import Event
from app.errors import NotFound, Unavailable
from app.http.access import Active, Rt
from app.http.after_commit import after_commit
from app.runtime import ApiRuntime
from app.webhooks import endpoints
from app.webhooks.delivery import AttemptResult, attempt, record


async def _limit_changes(rt: Rt, caller: Active) -> CallerRecord:
    rt.webhook_change_limit.take(caller.member_id)
    return caller


Changing = Annotated[CallerRecord, Depends(_limit_changes)]


async def send_test(
    rt: ApiRuntime, caller: CallerRecord, endpoint_id: UUID, event: Event
) -> AttemptResult:
    """Sends a test now and records it. Raises `NotFound`, also if the endpoint is deleted
    meanwhile, `RateLimited` and `Unavailable`."""
    if rt.tests_in_flight >= rt.settings.webhook_concurrency:
        raise Unavailable("Too many tests are being sent right now.", retry_after_seconds=5)
    async with rt.webhook_test_limit.slot(caller.member_id):
        rt.tests_in_flight += 1
        try:
            delivery_id = await endpoints.make_test(rt, caller, endpoint_id, event)
            with after_commit(f"The test is delivery {delivery_id}"):
                result = await attempt(rt, rt.sender, delivery_id)
                if result is not None:
                    await record(rt, result)
                    return result
        finally:
            rt.tests_in_flight -= 1
    raise NotFound(f"There is no webhook endpoint {endpoint_id}.")
