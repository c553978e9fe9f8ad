"""Opens and closes everything a process needs, in one place: database, watch, HTTP clients,
archive. The only reader of the clock."""

from __future__ import annotations

import os
import secrets
import socket
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.db import upstream_keys
from app.db.durations import History
from app.db.session import Database
from app.domain.catalog import PriceTable
from app.domain.nearest import Aliases
from app.domain.webhooks import Telling
from app.errors import ConfigurationError
from app.fetch import FetchPolicy, GuardedFetcher, resolver_apart
from app.http_client import HttpClient
from app.live.feed import Feed
from app.live.watch import Watch
from app.secrets import LinkSigner, StreamTokens, WebhookSecrets, fingerprint_of
from app.settings import Settings
from app.telemetry import Metrics, logger
from app.upstream.client import UpstreamClient
from app.videos.decoder import Decoder
from app.videos.store import Archive
from app.videos.thumbnails import Pictures
from app.webhooks.fairness import Shares

log = logger(__name__)

#: A submission may wait for minutes without a byte, and gateways and firewalls on the way forget a
#: connection that is silent for a few: its answer would be lost, and the video that it paid for be
#: unknown. A network that is gone for two minutes is noticed as well.
_KEPT_OPEN = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 5))
        if hasattr(socket, name)
    ),
]
#: Downloads for the archive are bounded by its lane; this bounds what operators ask for besides.
_DOWNLOADS = 100
#: Videos one process streams straight through at a time, before they are archived. Apart from the
#: archive's downloads, so that slow viewers do not keep videos from being archived.
_RELAYS = 64
_RELAY_QUEUE_SECONDS = 5.0


class Clock:
    """The time. Tests pass one that they move by hand."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def for_database(self) -> datetime | None:
        """None: Postgres uses its own clock, the one all processes share."""
        return None


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What use cases are given. `upstream_key_ids` maps labels of configured keys to rows."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    db: Database
    watch: Watch
    feed: Feed
    archive: Archive
    decoder: Decoder
    upstream: UpstreamClient
    relay: GuardedFetcher
    #: Sends what callers asked to be told, to addresses they named.
    outward: GuardedFetcher
    #: Of the lane in which this process, where it is a worker, sends webhooks.
    shares: Shares
    signer: LinkSigner
    stream_tokens: StreamTokens
    webhook_secrets: WebhookSecrets
    prices: PriceTable
    aliases: Aliases
    upstream_key_ids: dict[str, int]
    #: How what is told looks: our own form and those of the dialects, by name.
    forms: Mapping[str, Callable[[Telling], dict[str, Any]]] = field(default_factory=dict)
    #: True from the first sign of a stop: readiness says so, and nobody is kept waiting.
    draining: bool = False
    #: Requests of each member that wait for a video in this process.
    waiting_by_member: Counter[UUID] = field(default_factory=Counter)
    #: Tests of webhook endpoints that this process sends right now.
    testing: int = 0
    pictures: Pictures = field(default_factory=Pictures)
    #: Of each model and length: when it was read, on the monotonic clock, and what it said.
    histories: dict[tuple[str, str], tuple[float, History]] = field(default_factory=dict)

    def drain(self) -> None:
        self.draining = True
        self.watch.release()
        self.feed.release()

    async def upstream_key_ids_now(self) -> dict[str, int]:
        """Rows of the configured keys, made at the first use: the database may have been away
        when the process started."""
        if not self.upstream_key_ids:
            wanted = self.settings.upstream_keys()
            async with self.db.begin() as tx:
                self.upstream_key_ids = await upstream_keys.register(
                    tx, {label: fingerprint_of(key) for label, key in wanted.items()}
                )
        return self.upstream_key_ids


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    *,
    clock: Clock | None = None,
    forms: Mapping[str, Callable[[Telling], dict[str, Any]]] = MappingProxyType({}),
) -> AsyncIterator[Runtime]:
    """Everything opened, closed in reverse order. Raises `ConfigurationError`."""
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL must be set to a PostgreSQL address.")
    metrics = Metrics()
    for label in settings.upstream_keys():
        metrics.breaker_openings.labels(label)
    async with AsyncExitStack() as stack:
        db = Database(
            settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
        )
        stack.push_async_callback(db.close)
        decoder = Decoder()
        stack.push_async_callback(decoder.close)
        clock = clock or Clock()
        feed = await stack.enter_async_context(
            Feed(db, now=clock.for_database, on_fault=_events_unread).running()
        )
        watch = await stack.enter_async_context(Watch(db, on_notice=feed.wake).running())
        metrics.waiting.set_function(lambda: watch.waiting)
        metrics.streams.set_function(lambda: feed.listening)
        secret = signing_secret(settings)
        yield Runtime(
            settings=settings,
            clock=clock,
            metrics=metrics,
            db=db,
            watch=watch,
            feed=feed,
            archive=Archive.open(settings.archive_address),
            decoder=decoder,
            upstream=UpstreamClient(
                http=upstream_client(settings),
                base_url=settings.upstream_url,
                keys=settings.upstream_keys(),
                fetcher=GuardedFetcher(
                    HttpClient(max_connections=_DOWNLOADS), download_policy(settings)
                ),
                read_seconds=settings.upstream_read_seconds,
                observe=metrics.observe_upstream,
            ),
            relay=GuardedFetcher(
                HttpClient(max_connections=_RELAYS, queue_seconds=_RELAY_QUEUE_SECONDS),
                download_policy(settings),
            ),
            outward=GuardedFetcher(
                HttpClient(max_connections=2 * settings.webhook_concurrency),
                receiver_policy(settings),
                resolver=resolver_apart,
            ),
            shares=Shares(settings.webhook_concurrency),
            signer=LinkSigner(secret, base_url=settings.link_base),
            stream_tokens=StreamTokens(secret),
            webhook_secrets=WebhookSecrets(secret),
            prices=load_prices(settings),
            aliases=Aliases.parse(settings.model_aliases),
            upstream_key_ids={},
            forms=forms,
        )


def _events_unread(error: Exception) -> None:
    log.error("events_unread", exc_info=error)


def upstream_client(settings: Settings) -> HttpClient:
    # A worker looks up as many generations at a time as it submits.
    return HttpClient(
        max_connections=2 * settings.worker_concurrency,
        connect_seconds=settings.upstream_connect_seconds,
        socket_options=_KEPT_OPEN,
    )


def download_policy(settings: Settings) -> FetchPolicy:
    """The upstream's file hosts; the simulator's own address where there is one."""
    trusted: frozenset[str] = frozenset()
    if settings.simulator_url is not None:
        parts = urlsplit(settings.simulator_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        trusted = frozenset({f"{parts.scheme}://{parts.hostname}:{port}"})
    return FetchPolicy(hosts=frozenset(settings.download_hosts), trusted_origins=trusted)


def receiver_policy(settings: Settings) -> FetchPolicy:
    """Any public host over https; the receivers inside that were named. A redirect is an answer:
    nobody is sent anything at an address that was not checked."""
    return FetchPolicy(
        hosts=None,
        trusted_origins=frozenset(settings.webhook_internal_origins),
        ports=frozenset({443, 8443}),
        max_redirects=0,
    )


def load_prices(settings: Settings) -> PriceTable:
    path = settings.prices_file or Path(__file__).with_name("prices.toml")
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"REELGATE_PRICES_FILE: {path} cannot be read as TOML: {error}."
        ) from None
    return PriceTable.parse(document, origin=str(path))


def signing_secret(settings: Settings) -> bytes:
    """The configured secret; in development, one that is made once and kept beside the data."""
    if settings.signing_secret is not None:
        return settings.signing_secret.get_secret_value().encode()
    path = settings.data_dir / "signing-secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written whole under another name first: two processes that start together agree on one.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_bytes()
