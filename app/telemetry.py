"""Logs, the request's context, and every metric, each defined once."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TextIO

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from app import __version__
from app.domain.generation import State
from app.redaction import Redactor, printable, printable_lines, printable_value

Event = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """Who sent the current request, as far as is known: the key's prefix, the names of its member
    and team, and the client's address."""

    key_prefix: str | None = None
    member: str | None = None
    team: str | None = None
    address: str | None = None


_NOBODY = RequestIdentity()
_IDENTITY: ContextVar[RequestIdentity] = ContextVar("request_identity", default=_NOBODY)


def request_identity() -> RequestIdentity:
    """Empty outside a request."""
    return _IDENTITY.get()


def begin_request(request_id: str, *, address: str | None) -> None:
    """Adds this request's id, and what `identify` finds out, to all its log lines."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    _IDENTITY.set(RequestIdentity(address=address))


def identify(*, key_prefix: str, member: str | None = None, team: str | None = None) -> None:
    """Of an unknown key, only the prefix is known."""
    known = replace(_IDENTITY.get(), key_prefix=key_prefix, member=member, team=team)
    _IDENTITY.set(known)


def _with_identity(_logger: object, _method: str, event: Event) -> Event:
    identity = _IDENTITY.get()
    for name in RequestIdentity.__slots__:
        value = getattr(identity, name)
        if value is not None:
            event.setdefault(name, value)
    return event


_NOISY = (
    "httpx", "httpcore", "procrastinate", "uvicorn", "alembic", "asyncio",
    "python_multipart",
)  # fmt: skip


def _printable(_logger: object, _method: str, event: Event) -> Event:
    """Escapes control characters, because a terminal obeys what a caller or an upstream has
    written."""
    shown = {printable(name): printable_value(value) for name, value in event.items()}
    if isinstance(event.get("exception"), str):
        shown["exception"] = printable_lines(event["exception"])
    return shown


class _Output:
    """Writes finished lines. One that cannot be written is lost, for want of a better place to say
    so; it is no reason to fail a request."""

    def __init__(self, stream: TextIO, name: str = "app") -> None:
        self.name = name
        self._stream = stream

    def debug(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    info = warning = error = critical = debug


def configure_logging(*, json: bool, level: str, secrets: Iterable[str] = ()) -> None:
    """Sends structlog's events and those of the standard library's loggers through the same
    redacting processors. Our own do not pass through the standard library, whose records cost
    several times what a line needs."""
    redactor = Redactor(secrets)

    def redact(_logger: object, _method: str, event: Event) -> Event:
        return {name: redactor.clean(value) for name, value in event.items()}

    said: list[Any] = [structlog.contextvars.merge_contextvars, _with_identity]
    about: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # A traceback becomes text before it is redacted: exception messages carry URLs.
    clean: list[Any] = [structlog.processors.format_exc_info, redact]
    if json:
        render: list[Any] = [structlog.processors.JSONRenderer()]
    else:
        colors = sys.stderr.isatty()
        render = [_printable, structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=28)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*said, *about],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *clean, *render],
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(level)
    # These log every request, job and start at INFO; httpx even whole presigned URLs.
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut)
    structlog.configure(
        processors=[*said, *clean, *about, *render],
        logger_factory=partial(_Output, sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )


def _is_no_cut(record: logging.LogRecord) -> bool:
    """uvicorn logs a request that is cut off by a stop as an error, with a traceback.
    `stopping_now`, or uvicorn itself, already logs that once for all of them."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def logger(name: str) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound


_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 420, 600, 900)


#: Jobs of dead workers, missing jobs, and submissions whose worker died.
_RESCUED = (
    "submit", "poll", "archive", "deliver", "submit_missing", "poll_missing", "archive_missing",
    "deliver_missing", "submitting",
)  # fmt: skip


class Metrics:
    """Every metric of a process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.build_info = Gauge(
            "reelgate_build_info", "1; its label is the version of this process.", ["version"],
            registry=registry,
        )  # fmt: skip
        self.build_info.labels(__version__).set(1)
        self.model_retires = Gauge(
            "reelgate_model_retires_timestamp_seconds",
            "When the upstream stops making an enabled model, in Unix time.", ["model"],
            registry=registry,
        )  # fmt: skip
        self.admissions = Counter(
            "reelgate_admissions",
            "Admission decisions; a refusal's outcome is the limit that refused.",
            ["team", "dialect", "outcome"], registry=registry,
        )  # fmt: skip
        self.transitions = Counter(
            "reelgate_transitions",
            "Generations that entered a state; `queued` when admitted, and when sent back to it.",
            ["state"], registry=registry,
        )  # fmt: skip
        self.http_requests = Counter(
            "reelgate_http_requests", "Requests answered.", ["route", "method", "status"],
            registry=registry,
        )  # fmt: skip
        self.http_seconds = Histogram(
            "reelgate_http_seconds", "Time until the answer began.", ["route"],
            buckets=_FAST, registry=registry,
        )  # fmt: skip
        self.sign_ins = Counter(
            "reelgate_sign_ins", "Sign-ins by OpenID Connect, by what became of them.",
            ["issuer", "outcome"], registry=registry,
        )  # fmt: skip
        self.waiting = Gauge(
            "reelgate_waiting", "Requests waiting for a video in this process.", registry=registry
        )
        self.streams = Gauge(
            "reelgate_streams", "Streams of events open in this process.", registry=registry
        )
        self.streams_ended = Counter(
            "reelgate_streams_ended", "Streams of events that ended, or were refused.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "reelgate_webhooks", "Attempts to deliver a webhook.", ["outcome"], registry=registry
        )
        self.webhooks_pending = Gauge(
            "reelgate_webhooks_pending", "Webhooks that are still to be delivered.",
            registry=registry,
        )  # fmt: skip
        self.webhooks_oldest_seconds = Gauge(
            "reelgate_webhooks_oldest_seconds", "Age of the oldest of these.", registry=registry
        )
        self.webhook_endpoints_disabled = Counter(
            "reelgate_webhook_endpoints_disabled", "Endpoints that were disabled.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.upstream_requests = Counter(
            "reelgate_upstream_requests", "Calls to the upstream.", ["operation", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.upstream_seconds = Histogram(
            "reelgate_upstream_seconds", "Time of calls to the upstream.", ["operation"],
            buckets=_SLOW, registry=registry,
        )  # fmt: skip
        self.upstream_figures = Counter(
            "reelgate_upstream_figures",
            "Answers with the paying account's credits: `noted`, `known` already, `overtaken` by"
            " another one, `unreadable`.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.breaker_openings = Counter(
            "reelgate_breaker_openings", "Times submissions were stopped: no answers came.",
            ["label"], registry=registry,
        )  # fmt: skip
        self.paused = Gauge(
            "reelgate_paused", "1 while an operator has paused it.", ["what"], registry=registry
        )
        self.archived = Counter(
            "reelgate_archived", "Attempts to archive a video.", ["outcome"], registry=registry
        )
        self.archived_bytes = Counter(
            "reelgate_archived_bytes", "Bytes written to the archive.", registry=registry
        )
        self.decoder_ended = Counter(
            "reelgate_decoder_ended", "Files that ended the process that read them.",
            registry=registry,
        )  # fmt: skip
        self.rescued = Counter(
            "reelgate_rescued",
            "Jobs taken from dead workers, `missing` jobs enqueued again, and submissions lost"
            " with their worker.",
            ["kind"], registry=registry,
        )  # fmt: skip
        self.generations = Gauge(
            "reelgate_generations", "Generations that are open or unknown, by state.", ["state"],
            registry=registry,
        )  # fmt: skip
        self.oldest_seconds = Gauge(
            "reelgate_oldest_seconds",
            "Age of the oldest generation in a state; at the upstream, since it came there.",
            ["state"], registry=registry,
        )  # fmt: skip
        self.database_up = Gauge(
            "reelgate_database_up", "1 while Postgres answers.", registry=registry
        )
        self.videos = Gauge(
            "reelgate_videos", "Generations that succeeded, since the first.", ["team", "dialect"],
            registry=registry,
        )  # fmt: skip
        self.spent_credits = Gauge(
            "reelgate_spent_credits", "Credits that were settled, since the first.",
            ["team", "dialect"], registry=registry,
        )  # fmt: skip
        self.hold_credits = Gauge(
            "reelgate_hold_credits", "Credits set aside by open holds.", ["team", "dialect"],
            registry=registry,
        )  # fmt: skip
        self.jobs = Gauge("reelgate_jobs", "Jobs in the queue.", ["kind", "status"],
                          registry=registry)  # fmt: skip
        self.assets = Gauge(
            "reelgate_assets", "Videos that are not safely archived, by state.", ["state"],
            registry=registry,
        )  # fmt: skip
        self.assets_oldest_seconds = Gauge(
            "reelgate_assets_oldest_seconds", "For how long a video has been pending at most.",
            registry=registry,
        )  # fmt: skip
        self.upstream_keys = Gauge(
            "reelgate_upstream_keys", "1 while submissions go through an upstream key, else 0.",
            ["label"], registry=registry,
        )  # fmt: skip
        self.upstream_remaining = Gauge(
            "reelgate_upstream_remaining_credits",
            "What the account of an upstream key surely has left.", ["label"], registry=registry,
        )  # fmt: skip
        self.upstream_days_left = Gauge(
            "reelgate_upstream_days_left",
            "For how long that lasts at the pace of the last seven days; none while not known.",
            ["label"], registry=registry,
        )  # fmt: skip
        self.upstream_unexplained = Gauge(
            "reelgate_upstream_unexplained_credits",
            "Credits of that account used in the last day that the ledger does not have, at least.",
            ["label"], registry=registry,
        )  # fmt: skip
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Starts the series at 0. Prometheus sees no increase in a counter that first appears at 1,
        and alerts are for that first event."""
        for state in State:
            self.transitions.labels(state.value)
        for outcome in ("noted", "known", "overtaken", "unreadable"):
            self.upstream_figures.labels(outcome)
        for outcome in ("archived", "mismatch", "set_aside", "lost"):
            self.archived.labels(outcome)
        for kind in _RESCUED:
            self.rescued.labels(kind)

    def observe_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """All three are of few values, so that what is kept here is little."""
        labels = (route, method, status)
        known = self._of_route.get(labels)
        if known is None:
            known = self._of_route[labels] = (
                self.http_requests.labels(route, method, str(status)),
                self.http_seconds.labels(route),
            )
        count, duration = known
        count.inc()
        duration.observe(seconds)

    def observe_upstream(self, operation: str, outcome: str, seconds: float) -> None:
        self.upstream_requests.labels(operation, outcome).inc()
        self.upstream_seconds.labels(operation).observe(seconds)
