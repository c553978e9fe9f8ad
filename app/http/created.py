"""What a create answers with: the generation as it is, read again only where that can be news."""

from __future__ import annotations

from app import views
from app.admission import Admitted
from app.domain.caller import Caller
from app.domain.view import OwnView
from app.errors import Internal, Unavailable
from app.runtime import Runtime


async def view_of_admitted(
    rt: Runtime, caller: Caller, admitted: Admitted, *, changed: bool = False
) -> OwnView:
    """The row; or what is known already, where nothing can have happened since or the database is
    away: the generation is accepted, and an error would make its caller send it again."""
    known, fresh = None, admitted.fresh
    if fresh is not None:
        known = views.view_of(rt, caller, fresh.generation, used_credits=fresh.used_credits)
    if known is not None and not changed:
        return known
    try:
        view = await views.own_view(rt, caller, admitted.generation_id)
    except Unavailable as error:
        if known is None:
            # It is paid for: sent again without a key, it would be another one.
            error.extra["retry_safe"] = False
            raise
        return known
    if view is None:
        raise Internal()
    return view
