"""The one create flow: admit what a dialect parsed, wait if requested, read the generation again,
and have the dialect render the response.

A dialect provides two things: a `NewGeneration`, made by its parser, and a function that renders an
`Accepted`.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.db.faults import Conflict, Fault
from app.domain.caller import Caller
from app.domain.catalog.pages import Field
from app.domain.catalog.spec import Spec
from app.domain.generation import Generation
from app.domain.links import Links
from app.domain.text import shown
from app.errors import GatewayError, Internal, InvalidRequest, Issue, Unavailable
from app.generations import queries
from app.generations.admission import (
    NO_EXTRAS,
    Admitted,
    CallerChanged,
    Extras,
    SdkAttempt,
    admit,
    find_made,
    fingerprint,
    parse_idempotency_key,
)
from app.generations.queries import Waiting
from app.http.access import look_again
from app.http.after_commit import after_commit
from app.http.inputs import PathOf, has_images, resolve
from app.http.metadata import all_tags
from app.http.sdk_retries import sdk_attempt
from app.http.waiting import WaitPolicy, wait_for_end
from app.runtime import ApiRuntime
from app.telemetry import logger

log = logger(__name__)

_Answer = TypeVar("_Answer")


def _own_name(field: Field, at: int | None) -> str:
    return field.name if at is None else f"{field.name}.{at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGeneration:
    """What a caller requests. `adjusted` names each option that was replaced by one that is
    offered. `key_scope` keeps the idempotency keys of one kind of request apart from all others.
    `idempotency_key` was in the body, and is not validated yet. `inherited` are the tags of the
    generation that this one repeats or remixes. In `spec`, images are what the caller calls them;
    `path_of` is where the body has one."""

    spec: Spec
    path_of: PathOf = _own_name
    extras: Extras = NO_EXTRAS
    adjusted: tuple[str, ...] = ()
    key_scope: str = ""
    idempotency_key: Any = None
    inherited: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the response to a create shows: the generation as it is now, whose it is, and the
    headers that every dialect sends."""

    generation: Generation
    caller: Caller
    used_credits: int
    links: Links | None
    waiting: Waiting | None
    headers: dict[str, str]


async def create(
    rt: ApiRuntime,
    request: Request,
    caller: Caller,
    new: NewGeneration,
    *,
    dialect: str,
    render: Callable[[Accepted], Response],
    wait: WaitPolicy = WaitPolicy.ON_REQUEST,
    attempt_of: Callable[[Request], SdkAttempt | None] = sdk_attempt,
) -> Response:
    """The dialect's response to a create whose body has been read. Raises what `resolve` and
    `admit` raise. Once there is a generation, every error names it."""
    key = _idempotency_key(request, new.idempotency_key)
    attempt = attempt_of(request)
    tags = all_tags(request, inherited=new.inherited, given=new.extras.metadata)
    new = replace(new, extras=replace(new.extras, metadata=tags))
    how: dict[str, Any] = {
        "dialect": dialect, "idempotency_key": key and new.key_scope + key, "attempt": attempt,
    }  # fmt: skip
    made: Admitted | None = None
    if has_images(rt, new.spec):
        caller, new, made = await _with_images(rt, request, caller, new, how)
        # It came in longer ago by now: an attempt that was admitted meanwhile is one at its call.
        how["attempt"] = attempt_of(request)
    try:
        if made is None:
            caller, admitted = await _known(
                request, caller, lambda who: admit(rt, who, new.spec, extras=new.extras, **how)
            )
        else:
            admitted = made
    except (GatewayError, Conflict, Fault):
        # Admission refuses with errors of its own, and the database rejects a whole statement.
        raise
    except Exception as fault:
        raise _unresolved(fault) from fault
    # A replay charges nothing. Whether the generation it names was charged is read below.
    with after_commit(
        "The generation exists",
        generation_id=admitted.generation_id,
        billed=None if admitted.replayed else True,
    ):
        waited = await wait_for_end(rt, request, caller, admitted.generation_id, policy=wait)
        headers = admitted.headers | waited.headers
        if new.adjusted:
            headers["Reelgate-Adjusted"] = ", ".join(new.adjusted)
        headers |= _about_model(rt, new.spec)
        looks_again = waited.seconds > 0
        return render(await _accepted(rt, caller, admitted, headers, looks_again=looks_again))


def _about_model(rt: ApiRuntime, spec: Spec) -> dict[str, str]:
    """Headers about what is doubtful in the request, and about the end of its model (RFC 9745 and
    RFC 8594). A reason may be an operator's own: headers have ASCII alone."""
    headers: dict[str, str] = {}
    if warnings := rt.catalog.warnings(spec):
        said = " ".join("; ".join(warnings).split())
        headers["Reelgate-Warning"] = said.encode("ascii", "replace").decode()
    model = rt.catalog.models[spec.model]
    if model.retires_on is not None:
        headers["Deprecation"] = f"@{timegm(model.as_of.timetuple())}"
        headers["Sunset"] = formatdate(timegm(model.retires_on.timetuple()), usegmt=True)
    return headers


async def _with_images(
    rt: ApiRuntime, request: Request, caller: Caller, new: NewGeneration, how: dict[str, Any]
) -> tuple[Caller, NewGeneration, Admitted | None]:
    """The request with its inputs; or, if an earlier request like it made a generation, that: then
    no image is fetched, which may have changed or gone by now."""
    extras = new.extras
    extras = replace(extras, written=fingerprint(rt.catalog.get(new.spec.model), new.spec, extras))
    if how["idempotency_key"] is not None or how["attempt"] is not None:
        caller, made = await _known(
            request, caller, lambda who: find_made(rt, who, extras=extras, **how)
        )
        if made is not None:
            return caller, new, made
    spec, inputs = await resolve(rt, caller, new.spec, path_of=new.path_of)
    return caller, replace(new, spec=spec, extras=replace(extras, inputs=inputs)), None


async def _known(
    request: Request, caller: Caller, ask: Callable[[Caller], Awaitable[_Answer]]
) -> tuple[Caller, _Answer]:
    """What is asked for a caller, and the caller as whoever answered knew it."""
    try:
        return caller, await ask(caller)
    except CallerChanged:
        # What was read just now is as good as what any request begins with.
        caller = replace(await look_again(request), version=None)
        return caller, await ask(caller)


def _idempotency_key(request: Request, in_body: Any) -> str | None:
    """From the header or, since a proxy that knows the API passes on fields and no headers, from
    the body."""
    header = parse_idempotency_key(request.headers.get("idempotency-key"))
    field = "idempotency_key"
    key = parse_idempotency_key(in_body, field)
    if header is not None and key is not None and header != key:
        message = "differs from the header Idempotency-Key; leave one out"
        raise InvalidRequest(
            f"{field} {message}.", issues=[Issue(field, "value", message, shown(key))]
        )
    return key if header is None else header


def _unresolved(fault: Exception) -> Internal:
    """The error for a fault that leaves open whether admission was committed."""
    log.error("admission_unresolved", exc_info=fault)
    return Internal(
        "It is not known whether the request was accepted; send it again with the same "
        "Idempotency-Key, or look at your generations first.",
        billed=None,
        retry_safe=False,
    )


async def _accepted(
    rt: ApiRuntime,
    caller: Caller,
    admitted: Admitted,
    headers: dict[str, str],
    *,
    looks_again: bool,
) -> Accepted:
    """Reads the generation again if it may have changed since admission, or if something keeps it
    from being sent. If that fails, answers with what admission knew: slightly outdated is better
    than nothing."""
    known, fresh = None, admitted.fresh
    if fresh is not None:
        known = Accepted(
            generation=fresh.generation, caller=caller, used_credits=fresh.used_credits, links=None,
            waiting=None, headers=headers,
        )  # fmt: skip
        if not (looks_again or fresh.held_up):
            return known
    try:
        return await _read_again(rt, caller, admitted.generation_id, headers)
    except Exception as fault:
        if known is None:
            raise
        log.warning(
            "answered_from_admission",
            generation_id=str(admitted.generation_id),
            exc_info=None if isinstance(fault, Unavailable) else fault,
        )
        return known


async def _read_again(
    rt: ApiRuntime, caller: Caller, generation_id: UUID, headers: dict[str, str]
) -> Accepted:
    own = await queries.find_own(rt, caller, generation_id)
    if own is None:
        raise Internal()
    return Accepted(
        generation=own.generation,
        caller=caller,
        used_credits=own.used_credits,
        links=queries.links(rt, own.generation),
        waiting=await queries.waiting_of(rt, own.generation),
        headers=headers,
    )
