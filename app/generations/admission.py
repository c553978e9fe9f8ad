"""Admission: the one decision to accept a request, in one transaction, closed before the reply."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import UUID, uuid4

from app.db import generations
from app.db.generations import Verdict
from app.domain.caller import Caller, Status
from app.domain.catalog import Offer
from app.domain.generation import Generation, Spec, State
from app.errors import (
    IdempotencyMismatch,
    InsufficientCredits,
    InvalidRequest,
    Issue,
    OpenLimitReached,
    Paused,
    RateLimited,
    Suspended,
    Unavailable,
)
from app.generations import lifecycle
from app.runtime import ApiRuntime, Runtime
from app.telemetry import logger

log = logger(__name__)

#: When the database breaks off during admission, how often and how long to ask whether it was kept.
_RECOVERY_LOOKS = 10
_RECOVERY_SECONDS = 0.5

#: Outcomes with a generation: made now, asked for before under the same key, or by the same call.
_TAKEN = ("accepted", "replayed", "recognised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Committed: the generation exists. `fresh` is what is known of one that was made just now;
    a replayed or recovered one has to be read."""

    generation_id: UUID
    replayed: bool
    headers: dict[str, str]
    fresh: Fresh | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkAttempt:
    """One try of an SDK at one call, as the SDK counts them from 0. It came in `waited_seconds`
    ago; the try before it can have come in at most `window_seconds` ago."""

    count: int
    waited_seconds: float
    window_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What belongs to a request beside its Spec. `echo` is what its dialect shows again in answers;
    all else makes two requests with one Spec different requests."""

    echo: Mapping[str, Any] = field(default_factory=dict)
    remixed_from: UUID | None = None
    callback_url: str | None = None
    retry_of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """`used_credits` of the member include this generation's hold. `held_up` says that nothing is
    being sent upstream now."""

    generation: Generation
    used_credits: int
    held_up: bool


#: No extras.
NO_EXTRAS = Extras()


async def admit(
    rt: ApiRuntime,
    caller: Caller,
    offer: Offer,
    spec: Spec,
    *,
    dialect: str,
    idempotency_key: str | None = None,
    extras: Extras = NO_EXTRAS,
    attempt: SdkAttempt | None = None,
) -> Admitted:
    """The generation of this request, held and queued; or a `GatewayError` and nothing used up.

    With a key, or where this `attempt` continues an SDK's call, the generation of the earlier
    request.
    """
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    quote = rt.prices.quote(offer, spec)
    stored = json.dumps(spec.to_json(), ensure_ascii=False)
    generation_id = uuid4()
    try:
        async with rt.db.single() as tx:
            verdict = await generations.admit(
                tx,
                generation_id,
                member_id=caller.member_id,
                api_key_id=caller.key_id,
                dialect=dialect,
                feature=offer.feature,
                provider=offer.provider,
                spec=stored,
                fingerprint=fingerprint(offer, spec, extras),
                quote=quote,
                idempotency_key=idempotency_key,
                idempotency_seconds=rt.settings.idempotency_seconds,
                queue_seconds=rt.settings.queue_seconds,
                asked=json.dumps(dict(extras.echo), ensure_ascii=False),
                remixed_from=extras.remixed_from,
                callback_url=extras.callback_url,
                sdk_retry=None if attempt is None else attempt.count,
                sdk_waited_seconds=0 if attempt is None else attempt.waited_seconds,
                sdk_window_seconds=0 if attempt is None else attempt.window_seconds,
                now=rt.clock.for_database(),
            )
    except Unavailable as unavailable:
        if unavailable.unasked:
            rt.metrics.admissions.labels(dialect, "unavailable").inc()
            raise
        await _recover(rt, caller, generation_id, dialect)
        return Admitted(generation_id=generation_id, replayed=False, headers={}, fresh=None)
    rt.metrics.admissions.labels(dialect, verdict.outcome).inc()
    if verdict.accepted_at is not None:
        lifecycle.count_admission(rt)
    if verdict.outcome not in _TAKEN or verdict.generation_id is None:
        _refuse(verdict, quote)
    headers = rate_headers(verdict)
    if verdict.accepted_at is None:
        headers["Idempotent-Replayed"] = "true"
        return Admitted(
            generation_id=verdict.generation_id, replayed=True, headers=headers, fresh=None
        )
    generation = Generation(
        id=generation_id, team_id=caller.team_id, member_id=caller.member_id, dialect=dialect,
        feature=offer.feature, provider=offer.provider, spec=spec, state=State.QUEUED, quote=quote,
        settled=None, result_paths=(), error_code=None, error_message=None,
        created_at=verdict.accepted_at, submitted_at=None, running_at=None, finished_at=None,
        asset=None, asked=extras.echo, remixed_from=extras.remixed_from,
        callback_url=extras.callback_url,
    )  # fmt: skip
    fresh = Fresh(
        generation=generation,
        used_credits=verdict.used_value or 0,
        held_up=verdict.submission_held_up,
    )
    return Admitted(generation_id=generation_id, replayed=False, headers=headers, fresh=fresh)


def fingerprint(offer: Offer, spec: Spec, extras: Extras = NO_EXTRAS) -> bytes:
    """What makes two requests the same: SHA-256 over feature, provider, canonical Spec, and the
    extras but for the echo."""
    parts: list[Any] = [offer.feature, offer.provider, spec.to_json()]
    if extras.remixed_from is not None or extras.callback_url is not None:
        parts += [extras.remixed_from and str(extras.remixed_from), extras.callback_url]
    if extras.retry_of is not None:
        parts.append({"retry_of": str(extras.retry_of)})
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def parse_idempotency_key(header: str | None) -> str | None:
    """A bare token or a quoted structured-field string, 1 to 255 visible ASCII characters."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= 255 or not all(" " <= char <= "~" for char in key):
        message = "must have 1 to 255 printable ASCII characters"
        raise InvalidRequest(
            f"Idempotency-Key {message}.", issues=[Issue("Idempotency-Key", "value", message)]
        )
    return key


def rate_headers(verdict: Verdict) -> dict[str, str]:
    """RateLimit fields of the IETF draft: requests left in the window, seconds until it is full."""
    window = math.ceil(verdict.rate_window_seconds)
    return {
        "RateLimit-Policy": f'"member";q={verdict.rate_limit};w={window}',
        "RateLimit": f'"member";r={max(verdict.rate_remaining, 0)}'
        f";t={math.ceil(verdict.rate_reset_seconds)}",
    }


def _refuse(verdict: Verdict, quote: int) -> NoReturn:
    headers = rate_headers(verdict)
    limit, used = verdict.limit_value or 0, verdict.used_value or 0
    match verdict.outcome:
        case "suspended":
            raise Suspended()
        case "paused":
            raise Paused(retry_after_seconds=60)
        case "idempotency_mismatch":
            raise IdempotencyMismatch(
                issues=[Issue("Idempotency-Key", "value", "already used with another body")]
            )
        case "rate_limited":
            wait = verdict.retry_after_seconds or 1.0
            raise RateLimited(
                f"The limit of {limit} requests per minute (burst {verdict.rate_limit}) is "
                f"reached; try again in {math.ceil(wait)} s.",
                retry_after_seconds=wait,
                headers=headers,
                extra={"limit": "rate_per_minute", "limit_value": limit},
            )
        case "open_limit_reached":
            raise OpenLimitReached(
                f"{used} generations are in progress and the limit is {limit}; "
                "wait for one to finish.",
                retry_after_seconds=10,
                headers=headers,
                extra={"limit": "max_open", "limit_value": limit, "used_value": used},
            )
        case "member_credits" | "team_credits":
            whose = verdict.outcome.removesuffix("_credits")
            raise InsufficientCredits(
                f"This request is quoted at {quote} credits; {used} of the {whose}'s {limit} "
                "are used or set aside.",
                headers=headers,
                extra={
                    "limit": f"{whose}_credit_limit",
                    "limit_value": limit,
                    "used_value": used,
                    "quote": quote,
                },
            )
    raise AssertionError(f"unknown admission outcome {verdict.outcome}")


async def _recover(rt: Runtime, caller: Caller, generation_id: UUID, dialect: str) -> None:
    """Returns where the broken-off admission was committed after all; raises `Unavailable`.

    The commit and the news of it are two things: a connection that breaks between them leaves a
    generation behind that its caller would pay for again.
    """
    for _ in range(_RECOVERY_LOOKS):
        try:
            async with rt.db.begin() as tx:
                kept = await generations.kept(tx, generation_id, member_id=caller.member_id)
        except Unavailable:
            await asyncio.sleep(_RECOVERY_SECONDS)
            continue
        rt.metrics.admissions.labels(dialect, "recovered" if kept else "unavailable").inc()
        if kept:
            lifecycle.count_admission(rt)
            return
        raise Unavailable("The gateway's database was away; nothing was accepted.",
                          retry_after_seconds=2)  # fmt: skip
    rt.metrics.admissions.labels(dialect, "unavailable").inc()
    log.error("admission_unresolved", generation_id=str(generation_id))
    raise Unavailable(
        "The gateway's database is away and it cannot tell whether the request was accepted; send "
        "it again with the same Idempotency-Key, or look at your generations first.",
        billed=None,
        retry_safe=False,
        retry_after_seconds=5,
    )
