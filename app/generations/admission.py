"""Admission: the one decision to accept a request, in one transaction, closed before the reply."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
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
from app.domain.limits import ACCOUNT_OF_LIMIT, Limit, LimitStatus
from app.domain.metadata import missing_tags
from app.domain.prices import Quote
from app.domain.text import shown
from app.errors import (
    Forbidden,
    IdempotencyMismatch,
    InsufficientCredits,
    InvalidRequest,
    Issue,
    MaxOpenReached,
    Paused,
    RateLimited,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from app.generations import lifecycle
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
    in no way. It arrived `waited_seconds` ago; the attempt before it, or of one that does not count
    the first one, can have arrived at most `window_seconds` ago."""

    count: int | None
    waited_seconds: float
    window_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a request has besides its Spec. `echo` is what its dialect repeats in responses;
    everything else makes two requests with the same Spec different."""

    echo: Mapping[str, Any] = field(default_factory=dict)
    remixed_from: UUID | None = None
    callback_url: str | None = None
    end_user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputUse, ...] = ()
    retry_of: UUID | None = None


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
        "prompt_head": marks and marks.head,
        "prompt_digest": marks and marks.digest,
        "idempotency_key": idempotency_key,
        "idempotency_seconds": IDEMPOTENCY_SECONDS,
        "queue_seconds": rt.settings.queue_seconds,
        "notice_percents": rt.settings.notice_percents,
        "caller_version": caller.version,
        "now": rt.clock.for_database(),
    }
    if attempt is not None:
        request |= {
            "sdk_attempt": attempt.count,
            "sdk_waited_seconds": attempt.waited_seconds,
            "sdk_window_seconds": attempt.window_seconds,
        }
    try:
        decision, new = await _decide(rt, caller, new, request, quote)
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
        _refuse(decision.outcome, limits, new.quote)
    headers = rate_headers(limits)
    if decision.accepted_at is None:
        headers["Idempotent-Replayed"] = "true"
        return Admitted(
            generation_id=decision.generation_id, replayed=True, headers=headers, fresh=None
        )
    fresh = Fresh(
        generation=replace(new, created_at=decision.accepted_at),
        used_credits=limits.account(AccountKind.MEMBER).used,
        held_up=decision.submission_held_up,
    )
    return Admitted(generation_id=new.id, replayed=False, headers=headers, fresh=fresh)


async def _decide(
    rt: ApiRuntime,
    caller: Caller,
    new: Generation,
    request: dict[str, Any],
    quote: Quote,
) -> tuple[Decision, Generation]:
    """The decision, and the generation at the quote that it is about. Raises `PriceUnknown` and
    `Unavailable`."""
    for again in range(_QUOTES):
        if again:
            _count(rt, caller, new.dialect, _PRICES_CHANGED)
            quote = await rt.prices.quote_again(new.spec)
            new = replace(new, quote=quote.credits, price_id=quote.price_id)
        decision = await decisions.admit(rt.db.direct, request | _priced(quote))
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


def rate_headers(limits: LimitStatus) -> dict[str, str]:
    """RateLimit fields of the IETF draft: requests left in the window, and seconds until it is full
    again; of the member, and of a key with a rate of its own."""
    policies = [f'"member";q={limits.rate_burst};w={math.ceil(limits.rate_window_seconds)}']
    left = [f'"member";r={max(limits.rate_remaining, 0)};t={math.ceil(limits.rate_reset_seconds)}']
    if limits.key_rate_per_minute is not None:
        window = math.ceil(limits.key_rate_window_seconds or 0)
        policies.append(f'"key";q={limits.key_rate_burst};w={window}')
        reset = math.ceil(limits.key_rate_reset_seconds or 0)
        left.append(f'"key";r={max(limits.key_rate_remaining or 0, 0)};t={reset}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


_RATES: dict[Limit, Callable[[LimitStatus], tuple[int | None, int | None]]] = {
    Limit.RATE_PER_MINUTE: lambda limits: (limits.rate_per_minute, limits.rate_burst),
    Limit.KEY_RATE_PER_MINUTE: lambda limits: (limits.key_rate_per_minute, limits.key_rate_burst),
}
_CAPS: dict[Limit, Callable[[LimitStatus], tuple[int | None, int | None]]] = {
    Limit.MAX_OPEN: lambda limits: (limits.max_open, limits.open_generations),
    Limit.KEY_MAX_OPEN: lambda limits: (limits.key_max_open, limits.key_open_generations),
}


def _refuse(outcome: str, limits: LimitStatus, quote: int) -> NoReturn:
    """Raises the error for any decision that is not an acceptance."""
    if outcome == "idempotency_mismatch":
        raise IdempotencyMismatch(
            issues=[Issue("Idempotency-Key", "value", "already used with another body")]
        )
    wait = limits.retry_after_seconds
    headers, refused_by = rate_headers(limits), Limit(outcome)
    if refused_by is Limit.SUSPENDED:
        raise Suspended()
    if refused_by is Limit.PAUSED:
        raise Paused(retry_after_seconds=wait)
    if refused_by in _RATES:
        per_minute, burst = _RATES[refused_by](limits)
        raise RateLimited(
            f"The limit of {per_minute} requests per minute (burst {burst}) is reached; try again "
            f"in {math.ceil(wait or 0)} s.",
            retry_after_seconds=wait,
            headers=headers,
            extra={"limit": refused_by, "limit_value": per_minute},
        )
    if refused_by in _CAPS:
        max_open, opened = _CAPS[refused_by](limits)
        raise MaxOpenReached(
            f"{opened} generations are in progress and the limit is {max_open}; wait for one to "
            "finish.",
            retry_after_seconds=wait,
            headers=headers,
            extra={"limit": refused_by, "limit_value": max_open, "used_value": opened},
        )
    account = limits.account(ACCOUNT_OF_LIMIT[refused_by])
    allowed = f"{account.kind.value}'s {account.credit_limit}"
    if account.granted:
        allowed += f", and {account.granted} granted,"
    said, resets_at = ".", None
    if account.resets_at is not None:
        resets_at = account.resets_at.isoformat().replace("+00:00", "Z")
        said = (
            f" this {account.period.value}; the next begins at {resets_at} ({account.time_zone})."
        )
    raise InsufficientCredits(
        f"This request is quoted at {quote} credits; {account.used} of the "
        f"{allowed} are used or reserved{said}",
        retry_after_seconds=wait,
        headers=headers,
        extra={
            "limit": refused_by,
            "limit_value": account.credit_limit,
            "granted_value": account.granted,
            "used_value": account.used,
            "held_value": account.held,
            "remaining_value": account.remaining,
            "quote": quote,
            "period": account.period.value,
            "time_zone": account.time_zone,
            "resets_at": resets_at,
        },
    )


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
