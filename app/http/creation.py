"""The one create flow: admit what a dialect parsed, wait where that is wanted, look at what became
of it, and have the dialect render the answer.

A dialect gives two things: a `NewGeneration`, made by its parse, and a function that renders an
`Accepted`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.domain.caller import Caller
from app.domain.catalog import Offer
from app.domain.generation import Generation, Spec
from app.errors import Internal, Unavailable
from app.generations import queries
from app.generations.admission import NO_EXTRAS, Admitted, Extras, admit, parse_idempotency_key
from app.generations.queries import Waiting
from app.http.sdk_retries import sdk_attempt
from app.http.waiting import WaitPolicy, wait_for_end
from app.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGeneration:
    """What a caller asks for. `adjusted` names what is made in place of what was asked for.
    `key_scope` sets the idempotency keys of one kind of request apart from those of all others."""

    offer: Offer
    spec: Spec
    extras: Extras = NO_EXTRAS
    adjusted: tuple[str, ...] = ()
    key_scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the answer to a create shows: the generation as it is at the answer, and the headers
    that every dialect sends."""

    generation: Generation
    used_credits: int
    link: str | None
    waiting: Waiting | None
    headers: dict[str, str]


async def create(
    rt: Runtime,
    request: Request,
    caller: Caller,
    new: NewGeneration,
    *,
    dialect: str,
    render: Callable[[Accepted], Response],
    wait: WaitPolicy = WaitPolicy.ON_REQUEST,
) -> Response:
    """The dialect's answer to a create whose body has been read. Raises what `admit` raises."""
    key = parse_idempotency_key(request.headers.get("idempotency-key"))
    admitted = await admit(
        rt,
        caller,
        new.offer,
        new.spec,
        dialect=dialect,
        idempotency_key=key and new.key_scope + key,
        extras=new.extras,
        attempt=sdk_attempt(request),
    )
    waited = await wait_for_end(rt, request, caller, admitted.generation_id, policy=wait)
    headers = admitted.headers | waited.headers
    if new.adjusted:
        headers["Reelgate-Adjusted"] = ", ".join(new.adjusted)
    return render(await _accepted(rt, caller, admitted, headers, looks_again=waited.seconds > 0))


async def _accepted(
    rt: Runtime,
    caller: Caller,
    admitted: Admitted,
    headers: dict[str, str],
    *,
    looks_again: bool,
) -> Accepted:
    """Read again where something can have changed since admission, or keeps it from being sent.
    While the database is away, what admission knew: the generation exists, and an error would make
    its caller ask for another one."""
    known, fresh = None, admitted.fresh
    if fresh is not None:
        known = Accepted(
            generation=fresh.generation, used_credits=fresh.used_credits, link=None, waiting=None,
            headers=headers,
        )  # fmt: skip
        if not (looks_again or fresh.held_up):
            return known
    try:
        own = await queries.find_own(rt, caller, admitted.generation_id)
        waiting = None if own is None else await queries.waiting_of(rt, own.generation)
    except Unavailable as error:
        if known is None:
            # It is paid for: sent again without a key, it would be another one.
            error.extra["retry_safe"] = False
            raise
        return known
    if own is None:
        raise Internal()
    return Accepted(
        generation=own.generation, used_credits=own.used_credits, waiting=waiting,
        link=queries.video_link(rt, own.generation), headers=headers,
    )  # fmt: skip
