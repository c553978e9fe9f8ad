"""Webhook delivery: one attempt, and its consequences.

An attempt is sent first and recorded afterwards. If the process dies in between, it is sent again
with the same message id: delivery is at least once.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

from standardwebhooks import Webhook

from app.db import generations, members, webhook_deliveries, webhook_endpoints
from app.db.jobs import Job, enqueue
from app.db.session import Tx
from app.db.webhook_attempts import Attempt
from app.db.webhook_deliveries import Delivery
from app.domain.generation import Generation
from app.domain.webhooks import (
    GIVE_UP_SECONDS,
    DeliveryState,
    Endpoint,
    Payload,
    PayloadFormat,
    message_id_of,
    wait_after,
)
from app.fetch import FetchError
from app.generations import progress, queries
from app.runtime import Runtime
from app.telemetry import logger
from app.webhooks.sender import Sender

log = logger(__name__)

ATTEMPT_SECONDS = 15.0
#: How much of a response is read, and how much is kept.
_MOST_ANSWER_BYTES = 4_096
_KEPT_ANSWER_CHARACTERS = 1_000
_GONE = 410
#: Our links in a body are valid for days, so the log keeps them without their signatures.
_SIGNATURE = re.compile(r"(?<=[?&]sig=)[^&\"\\]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where a delivery goes. All `secrets` sign it, newest first. `id` is the endpoint's or, for
    callbacks, the member's: all callbacks of a member count as one receiver. `owner_id` is the
    member's or the team's."""

    id: UUID
    owner_id: UUID
    url: str
    format: str
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """An attempt that was made and is not recorded yet."""

    delivery: Delivery
    attempt: Attempt
    retry_after_seconds: float | None

    @property
    def delivered(self) -> bool:
        return self.attempt.status is not None and 200 <= self.attempt.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is to be sent now."""

    delivery: Delivery
    receiver: Receiver
    generation: Generation | None


async def attempt(rt: Runtime, sender: Sender, delivery_id: UUID) -> AttemptResult | None:
    """Sends a delivery if it is due."""
    due = await find_due(rt, sender, delivery_id)
    return None if due is None else await send(rt, sender, due)


async def find_due(rt: Runtime, sender: Sender, delivery_id: UUID) -> Due | None:
    """None if there is nothing to send: it has ended, it has a job for a later time, or its
    receiver no longer exists."""
    async with rt.db.single() as tx:
        delivery = await webhook_deliveries.find_any(tx, delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING:
            return None
        endpoint = None
        if delivery.endpoint_id is not None:
            endpoint = await webhook_endpoints.find_any(tx, delivery.endpoint_id)
        generation = None
        if delivery.generation_id is not None:
            generation = await generations.find(tx, delivery.generation_id)
        if await _is_early(rt, tx, delivery):
            return None
        seeds = []
        if endpoint is None and generation is not None:
            seeds = await members.callback_seeds(tx, generation.member_id, now=rt.clock.now())
    receiver = _receiver(rt, sender, delivery, endpoint, generation, seeds)
    if receiver is None:
        async with rt.db.single() as tx:
            error = "the endpoint is disabled"
            await webhook_deliveries.abandon(tx, delivery.id, error=error, at=rt.clock.now())
        rt.metrics.webhooks.labels("abandoned").inc()
        return None
    return Due(delivery=delivery, receiver=receiver, generation=generation)


async def send(rt: Runtime, sender: Sender, due: Due) -> AttemptResult:
    payload = await _payload(rt, sender, due.delivery, due.generation)
    return await _send(rt, sender, due.delivery, due.receiver, payload)


async def record(rt: Runtime, result: AttemptResult) -> None:
    """Records an attempt and its consequence: the next one, or the end. May be repeated."""
    delivery, now = result.delivery, rt.clock.now()
    wait = None
    # No retries: whoever sent the test is looking at it now.
    retried = not delivery.is_test and result.attempt.status != _GONE
    if not result.delivered and retried:
        wait = wait_after(
            delivery.attempts + 1,
            retry_after_seconds=result.retry_after_seconds,
            jitter=random.random(),  # noqa: S311 - spreads load
        )
    at = None if wait is None else now + timedelta(seconds=wait)
    state = DeliveryState.PENDING if at else DeliveryState.FAILED
    if result.delivered:
        state = DeliveryState.DELIVERED
    disabled = ""
    async with rt.db.begin() as tx:
        if delivery.endpoint_id is not None:
            await webhook_endpoints.lock(tx, delivery.endpoint_id)
        written = await webhook_deliveries.record(
            tx, delivery, result.attempt, state=state, next_attempt_at=at,
            finished_at=None if at else now,
        )  # fmt: skip
        if not written:
            return
        if at is not None:
            await enqueue(tx, Job.DELIVER, delivery.id, at=at)
        if delivery.endpoint_id is not None:
            await webhook_endpoints.note_health(
                tx, delivery.endpoint_id, delivered=result.delivered, at=now
            )
            disabled = await _disable_where_hopeless(rt, tx, result, state)
    rt.metrics.webhooks.labels("retried" if at else state).inc()
    log.info(
        "webhook_attempted", delivery_id=str(delivery.id), state=state,
        status=result.attempt.status, error=result.attempt.error, attempt=result.attempt.number,
    )  # fmt: skip
    if disabled:
        rt.metrics.webhook_endpoints_disabled.labels(disabled).inc()
        log.warning("webhook_endpoint_disabled", endpoint_id=str(delivery.endpoint_id),
                    reason=disabled)  # fmt: skip


async def _disable_where_hopeless(
    rt: Runtime, tx: Tx, result: AttemptResult, state: DeliveryState
) -> str:
    """Why the endpoint was disabled just now: it answered that it is gone, or a delivery used up
    its attempts and none has succeeded for days. Empty if it was not."""
    endpoint_id = result.delivery.endpoint_id
    assert endpoint_id is not None
    if result.attempt.status == _GONE:
        return "gone" if await webhook_endpoints.disable(tx, endpoint_id, reason="gone") else ""
    if state is DeliveryState.FAILED and not result.delivery.is_test:
        before = rt.clock.now() - timedelta(seconds=GIVE_UP_SECONDS)
        if await webhook_endpoints.disable(
            tx, endpoint_id, reason="failing", failing_before=before
        ):
            return "failing"
    return ""


async def _is_early(rt: Runtime, tx: Tx, delivery: Delivery) -> bool:
    """A job that was made again may run too early; it gets another one for the right time. By the
    clock of the database, which also schedules the jobs."""
    if not delivery.attempts:
        return False
    early = await webhook_deliveries.is_early(tx, delivery.id, now=rt.clock.for_database())
    if early:
        await enqueue(tx, Job.DELIVER, delivery.id, at=delivery.next_attempt_at)
    return early


def _receiver(
    rt: Runtime,
    sender: Sender,
    delivery: Delivery,
    endpoint: Endpoint | None,
    generation: Generation | None,
    callback_seeds: Sequence[str],
) -> Receiver | None:
    if endpoint is not None:
        seeds = [endpoint.seed]
        until = endpoint.previous_until
        if endpoint.previous_seed is not None and until is not None and until > rt.clock.now():
            seeds.append(endpoint.previous_seed)
        # A test also goes to a disabled endpoint, to show whether it works again.
        if not endpoint.enabled and not delivery.is_test:
            return None
        secrets = [sender.secrets.of_endpoint(seed) for seed in seeds]
        return Receiver(
            id=endpoint.id, owner_id=endpoint.member_id or endpoint.team_id, url=endpoint.url,
            format=endpoint.format.value, secrets=secrets,
        )  # fmt: skip
    if generation is None or generation.callback_url is None:
        return None
    return Receiver(
        id=generation.member_id,
        owner_id=generation.member_id,
        url=generation.callback_url,
        format=generation.dialect,
        secrets=[sender.secrets.of_member(generation.member_id, seed) for seed in callback_seeds],
    )


async def _payload(
    rt: Runtime, sender: Sender, delivery: Delivery, generation: Generation | None
) -> Payload:
    now = None
    if generation is not None:
        history = await sender.durations.of(generation.spec)
        now = progress.progress_of(generation, history, now=rt.clock.now())
    return Payload(
        message_id=message_id_of(delivery.id),
        event=delivery.event,
        happened_at=delivery.happened_at,
        generation=generation,
        content=delivery.content,
        links=None if generation is None else queries.signed_links(rt, sender.signer, generation),
        images={} if generation is None else queries.image_links(rt, sender.signer, generation),
        elapsed_seconds=0.0 if now is None else now.elapsed_seconds,
        p50_seconds=None if now is None else now.p50_seconds,
        p90_seconds=None if now is None else now.p90_seconds,
    )


async def _send(
    rt: Runtime, sender: Sender, delivery: Delivery, receiver: Receiver, payload: Payload
) -> AttemptResult:
    now, started = rt.clock.now(), time.monotonic()
    message_id = message_id_of(delivery.id)
    # The gateway's own, if the dialect of a callback has none.
    form = sender.formats.get(receiver.format) or sender.formats[PayloadFormat.REELGATE.value]
    body = form.render(payload)
    document = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    signed = " ".join(
        Webhook(secret).sign(message_id, now.astimezone(UTC), document)
        for secret in receiver.secrets
    )
    signatures = {
        "webhook-signature": signed,
        **form.headers(
            body, document=document, timestamp=int(now.timestamp()), secrets=receiver.secrets
        ),
    }
    status, error, answer, retry_after = None, None, None, None
    try:
        async with (
            asyncio.timeout(ATTEMPT_SECONDS),
            sender.client.stream(
                receiver.url, method="POST", content=document.encode(),
                headers={**headers, **signatures},
            ) as response,
        ):  # fmt: skip
            status = response.status_code
            retry_after = _retry_after(response.headers.get("retry-after", ""), now)
            answer = await _beginning_of(response.aiter_raw())
    except TimeoutError:
        error = f"no whole answer within {ATTEMPT_SECONDS:g} s"
    except FetchError as failure:
        error = str(failure)
    if status is not None and not 200 <= status < 300:
        error = f"answered {status}"
    elif status is not None and error is not None:
        # It accepted the webhook, so the rest of its response does not matter.
        error = None
    return AttemptResult(
        delivery=delivery,
        attempt=Attempt(
            number=delivery.attempts + 1, created_at=now,
            seconds=round(time.monotonic() - started, 3), request_headers=headers,
            request_body=_SIGNATURE.sub("[hidden]", document), status=status, error=error,
            answer=answer,
        ),
        retry_after_seconds=retry_after,
    )  # fmt: skip


async def _beginning_of(chunks: AsyncIterator[bytes]) -> str:
    """As much of a response as the log keeps. A response can be anything, of any length."""
    read = bytearray()
    async for chunk in chunks:
        read += chunk
        if len(read) >= _MOST_ANSWER_BYTES:
            break
    return read.decode("utf-8", "replace").replace("\x00", "\ufffd")[:_KEPT_ANSWER_CHARACTERS]


def _retry_after(said: str, now: datetime) -> float | None:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    try:
        return max((parsedate_to_datetime(said) - now).total_seconds(), 0.0)
    # `OverflowError`: a year or an offset with more digits than the machine's integers.
    except (TypeError, ValueError, OverflowError):
        return None
