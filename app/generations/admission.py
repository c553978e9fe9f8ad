"""Admission: the one decision to accept a request, in one transaction, closed before the reply."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from app.db import admission as decisions
from app.db import generations
from app.db.admission import Decision
from app.domain import prompts
from app.domain.accounts import AccountKind
from app.domain.caller import Caller, Status
from app.domain.catalog.models import Model
from app.domain.catalog.spec import Spec
from app.domain.generation import Generation, State
from app.domain.inputs import InputUse, named
from app.domain.limits import LimitStatus
from app.domain.metadata import missing_tags
from app.domain.prices import Quote
from app.domain.text import shown
from app.errors import (
    Forbidden,
    InvalidRequest,
    Issue,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from app.generations import lifecycle
from app.generations.refusals import rate_headers, refuse
from app.runtime import ApiRuntime, Runtime
from app.telemetry import logger

log = logger(__name__)

#: How long an Idempotency-Key is remembered: two days, so that a daily job that was interrupted can
#: repeat its requests the next day without paying twice.
IDEMPOTENCY_SECONDS = 172_800
#: If the connection to the database breaks during admission: how often to check whether it was
#: committed.
_RECOVERY_LOOKS = 10
_RECOVERY_SECONDS = 0.5

#: The decision on a quote that is not of the newest price list, or not of its instant.
_PRICES_CHANGED = "prices_changed"
#: The decision on a request whose input was deleted since it was looked up.
_INPUT_GONE = "input_gone"
#: How often one request is quoted. More than twice only if prices change again meanwhile.
_QUOTES = 4

#: Outcomes with a generation: a new one, one of an earlier request with the same key, or one of an
#: earlier attempt at the same call.
_TAKEN = ("accepted", "replayed", "recognised")


class CallerChanged(Exception):
    """Somebody changed the caller's key, member or team since it was looked up. Nothing was
    decided: look it up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Committed: the generation exists. `fresh` is what is known of a new one; a replayed or
    recovered one has to be read."""

    generation_id: UUID
    replayed: bool
    headers: dict[str, str]
    fresh: Fresh | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkAttempt:
    """An SDK's attempt at one call; the SDK counts them from 0, or `count` is None: it marks them
    in no way. It arrived at `arrived_at` of `time.perf_counter`; the attempt before it, or of one
    that does not count the first one, can have arrived at most `window_seconds` ago."""

    count: int | None
    arrived_at: float
    window_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a request has besides its Spec. `echo` is what its dialect repeats in responses, and
    `written` a digest of what the caller wrote, if that names images; everything else makes two
    requests with the same Spec different."""

    echo: Mapping[str, Any] = field(default_factory=dict)
    remixed_from: UUID | None = None
    callback_url: str | None = None
    end_user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputUse, ...] = ()
    retry_of: UUID | None = None
    written: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """`used_credits` of the member include this generation's hold. `held_up`: nothing is being sent
    upstream now."""

    generation: Generation
    used_credits: int
    held_up: bool


#: No extras.
NO_EXTRAS = Extras()


async def admit(
    rt: ApiRuntime,
    caller: Caller,
    spec: Spec,
    *,
    dialect: str,
    idempotency_key: str | None = None,
    extras: Extras = NO_EXTRAS,
    attempt: SdkAttempt | None = None,
) -> Admitted:
    """The generation of this request, with its hold, queued. Otherwise raises a `GatewayError` or
    `CallerChanged`, and nothing is used up.

    With a key, or if this `attempt` continues an SDK's call: the generation of the earlier request.
    """
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    _check_model(caller, spec)
    model = rt.catalog.get(spec.model)
    quote = await rt.prices.quote(spec)
    new = Generation(
        id=uuid4(), team_id=caller.team_id, member_id=caller.member_id, dialect=dialect,
        feature=model.feature, provider=model.provider, spec=spec, state=State.QUEUED,
        quote=quote.credits, price_id=quote.price_id, settled=None, result_paths=(),
        error_code=None, error_message=None, created_at=rt.clock.now(), submitted_at=None,
        running_at=None, finished_at=None, asset=None, echo=extras.echo,
        remixed_from=extras.remixed_from, callback_url=extras.callback_url,
        end_user=extras.end_user, metadata=extras.metadata, inputs=extras.inputs,
    )  # fmt: skip
    marks = prompts.marks_of(prompts.normal(spec.facts.prompt)) if spec.facts.prompt else None
    request: dict[str, Any] = generations.columns_of(new) | {
        "api_key_id": caller.key_id,
        "model": spec.model,
        "kind": spec.kind,
        "fingerprint": "\\x" + fingerprint(model, spec, extras).hex(),
        "written": extras.written and "\\x" + extras.written.hex(),
        "prompt_head": marks and marks.head,
        "prompt_digest": marks and marks.digest,
        "idempotency_key": idempotency_key,
        "idempotency_seconds": IDEMPOTENCY_SECONDS,
        "queue_seconds": rt.settings.queue_seconds,
        "notice_percents": rt.settings.notice_percents,
        "caller_version": caller.version,
        "now": rt.clock.for_database(),
    }
    request |= _attempted(attempt)
    try:
        decision, new = await _decide(rt, caller, new, request, quote, _arrived(attempt))
    except Unavailable as unavailable:
        if unavailable.unasked:
            _count(rt, caller, dialect, "unavailable")
            raise
        await _recover(rt, caller, new)
        return Admitted(generation_id=new.id, replayed=False, headers={}, fresh=None)
    if decision.outcome == "caller_changed":
        raise CallerChanged()
    _count(rt, caller, dialect, decision.outcome)
    if decision.outcome == _PRICES_CHANGED:
        raise Unavailable("Prices are being changed; nothing was accepted.", retry_after_seconds=1)
    if decision.accepted_at is not None:
        lifecycle.count_admission(rt)
    limits = decision.limits
    if limits is None:
        raise Unauthenticated()
    if decision.missing_tags:
        raise missing_tags(decision.missing_tags)
    if decision.outcome == _INPUT_GONE:
        raise InvalidRequest("An image that this is to be made of has just been deleted.")
    if decision.outcome not in _TAKEN or decision.generation_id is None:
        refuse(decision.outcome, limits, new.quote)
    if decision.accepted_at is None:
        return _made(decision.generation_id, limits)
    fresh = Fresh(
        generation=replace(new, created_at=decision.accepted_at),
        used_credits=limits.account(AccountKind.MEMBER).used,
        held_up=decision.submission_held_up,
    )
    return Admitted(generation_id=new.id, replayed=False, headers=rate_headers(limits), fresh=fresh)


async def find_made(
    rt: ApiRuntime,
    caller: Caller,
    *,
    dialect: str,
    idempotency_key: str | None,
    extras: Extras,
    attempt: SdkAttempt | None,
) -> Admitted | None:
    """The generation that an earlier request like this one made, by what the callers wrote: its
    images need not be there, nor anywhere else. None if none did, and nothing is used up. Raises
    what `admit` raises."""
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    request: dict[str, Any] = {
        "only_made": True,
        "member_id": caller.member_id,
        "api_key_id": caller.key_id,
        "dialect": dialect,
        "written": extras.written and "\\x" + extras.written.hex(),
        "metadata": dict(extras.metadata),
        "quote": 0,
        "idempotency_key": idempotency_key,
        "caller_version": caller.version,
        "now": rt.clock.for_database(),
        **_attempted(attempt),
    }
    decision = await decisions.admit(rt.db.direct, request, arrived_at=_arrived(attempt))
    if decision.outcome == "caller_changed":
        raise CallerChanged()
    if decision.outcome == "unauthenticated":
        raise Unauthenticated()
    if decision.generation_id is None or decision.limits is None:
        return None
    _count(rt, caller, dialect, decision.outcome)
    return _made(decision.generation_id, decision.limits)


def _made(generation_id: UUID, limits: LimitStatus) -> Admitted:
    """The answer with a generation of an earlier request."""
    headers = rate_headers(limits) | {"Idempotent-Replayed": "true"}
    return Admitted(generation_id=generation_id, replayed=True, headers=headers, fresh=None)


def _attempted(attempt: SdkAttempt | None) -> dict[str, Any]:
    if attempt is None:
        return {}
    return {
        "sdk_attempt": attempt.count,
        "sdk_window_seconds": attempt.window_seconds,
    }


def _arrived(attempt: SdkAttempt | None) -> float | None:
    return None if attempt is None else attempt.arrived_at


async def _decide(
    rt: ApiRuntime,
    caller: Caller,
    new: Generation,
    request: dict[str, Any],
    quote: Quote,
    arrived_at: float | None,
) -> tuple[Decision, Generation]:
    """The decision, and the generation at the quote that it is about. Raises `PriceUnknown` and
    `Unavailable`."""
    for again in range(_QUOTES):
        if again:
            _count(rt, caller, new.dialect, _PRICES_CHANGED)
            quote = await rt.prices.quote_again(new.spec)
            new = replace(new, quote=quote.credits, price_id=quote.price_id)
        decision = await decisions.admit(
            rt.db.direct, request | _priced(quote), arrived_at=arrived_at
        )
        if decision.outcome != _PRICES_CHANGED:
            break
    return decision, new


def _priced(quote: Quote) -> dict[str, Any]:
    return {
        "quote": quote.credits,
        "price_id": quote.price_id,
        "prices_revision": quote.revision,
        "priced_from": quote.since,
        "priced_until": quote.until,
    }


def _check_model(caller: Caller, spec: Spec) -> None:
    allowed = caller.restrictions.models
    if allowed is not None and spec.model not in allowed:
        raise Forbidden(
            f"This key may not use the model {spec.model}; it may use {', '.join(allowed)}.",
            issues=[Issue("model", "value", f"must be one of {', '.join(allowed)}", spec.model)],
        )


def fingerprint(model: Model, spec: Spec, extras: Extras = NO_EXTRAS) -> bytes:
    """Identifies a request: SHA-256 of feature, provider, canonical Spec, and the extras without
    the echo. An image is the same as another with the same bytes."""
    bytes_of = {use.input_id: use.sha256 for use in extras.inputs}
    canonical = named(spec, bytes_of, extras.inputs)
    parts: list[Any] = [model.feature, model.provider, canonical.to_json()]
    if extras.remixed_from is not None or extras.callback_url is not None:
        parts += [extras.remixed_from and str(extras.remixed_from), extras.callback_url]
    if extras.end_user is not None:
        parts.append({"end_user": extras.end_user})
    if extras.metadata:
        parts.append({"metadata": dict(extras.metadata)})
    if extras.retry_of is not None:
        parts.append({"retry_of": str(extras.retry_of)})
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def parse_idempotency_key(given: Any, field: str = "Idempotency-Key") -> str | None:
    """A bare token or a quoted structured-field string, 1 to 255 visible ASCII characters."""
    if given is None:
        return None
    key = given.strip() if isinstance(given, str) else ""
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= 255 or not all(" " <= char <= "~" for char in key):
        message = "must have 1 to 255 printable ASCII characters"
        raise InvalidRequest(
            f"{field} {message}.", issues=[Issue(field, "value", message, shown(given))]
        )
    return key


def _count(rt: Runtime, caller: Caller, dialect: str, outcome: str) -> None:
    rt.metrics.admissions.labels(caller.team_name, dialect, outcome).inc()


async def _recover(rt: Runtime, caller: Caller, new: Generation) -> None:
    """Returns if the interrupted admission was committed after all; otherwise raises `Unavailable`.

    If the connection breaks between the commit and its confirmation, the generation exists and its
    caller does not know. Without this check the caller would pay again.
    """
    for _ in range(_RECOVERY_LOOKS):
        try:
            async with rt.db.begin() as tx:
                kept = await decisions.was_committed(tx, new.id, member_id=new.member_id)
        except Unavailable:
            await asyncio.sleep(_RECOVERY_SECONDS)
            continue
        _count(rt, caller, new.dialect, "recovered" if kept else "unavailable")
        if kept:
            lifecycle.count_admission(rt)
            return
        raise Unavailable("The gateway's database was away; nothing was accepted.",
                          retry_after_seconds=2)  # fmt: skip
    _count(rt, caller, new.dialect, "unavailable")
    log.error("admission_unresolved", generation_id=str(new.id))
    raise Unavailable(
        "The gateway's database is unavailable, so it is not known whether the request was "
        "accepted; send it again with the same Idempotency-Key, or look at your generations first.",
        billed=None,
        retry_safe=False,
        retry_after_seconds=5,
    )
