"""What a create answers with: the generation as it is, read again only where that can be news."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from app.domain.caller import Caller
from app.domain.catalog import Offer
from app.domain.generation import OwnView, Spec
from app.errors import Internal, Unavailable
from app.generations import queries
from app.generations.admission import Admitted, Asked, admit, parse_idempotency_key
from app.http.sdk_retries import sdk_attempt
from app.http.waiting import wait_where_preferred
from app.runtime import Runtime


async def create_for_sdk(
    rt: Runtime,
    request: Request,
    caller: Caller,
    offer: Offer,
    spec: Spec,
    *,
    dialect: str,
    asked: Asked,
    adjusted: Sequence[str],
) -> tuple[OwnView, dict[str, str]]:
    """The generation of an SDK's create, admitted once over all tries of the call, and the headers
    that go with it; `adjusted` is what is made in place of what was asked for."""
    admitted = await admit(
        rt,
        caller,
        offer,
        spec,
        dialect=dialect,
        idempotency_key=parse_idempotency_key(request.headers.get("idempotency-key")),
        asked=asked,
        attempt=sdk_attempt(request),
    )
    waited, headers = await wait_where_preferred(rt, request, caller, admitted.generation_id)
    view = await view_of_admitted(rt, caller, admitted, changed=waited)
    headers |= admitted.headers
    if adjusted:
        headers["Reelgate-Adjusted"] = ", ".join(adjusted)
    return view, headers


async def view_of_admitted(
    rt: Runtime, caller: Caller, admitted: Admitted, *, changed: bool = False
) -> OwnView:
    """The row; or what is known already, where nothing can have happened since or the database is
    away: the generation is accepted, and an error would make its caller send it again."""
    known, fresh = None, admitted.fresh
    if fresh is not None:
        known = queries.view_of(rt, caller, fresh.generation, used_credits=fresh.used_credits)
    if known is not None and not changed:
        return known
    try:
        view = await queries.own_view(rt, caller, admitted.generation_id)
    except Unavailable as error:
        if known is None:
            # It is paid for: sent again without a key, it would be another one.
            error.extra["retry_safe"] = False
            raise
        return known
    if view is None:
        raise Internal()
    return view
