"""What a command, an API process and a worker each have: database, listeners, archive, HTTP
clients. The one place that opens and closes them, and the only reader of the clock."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from app.db import upstream_keys
from app.db.session import Database
from app.domain.catalog.catalog import Catalog
from app.domain.issuers import Issuer
from app.domain.nearest import Aliases
from app.errors import ConfigurationError
from app.fetch import FetchPolicy, GuardedFetcher, resolver_apart
from app.generations.durations import Durations
from app.http_client import HttpClient
from app.inputs.limits import MOST, UploadLimits, fetch_policy
from app.live.callers import Callers
from app.live.feed import Feed
from app.live.keys import KeysInUse
from app.live.member_limits import ConcurrencyLimit, RateLimit
from app.live.prices import Prices
from app.live.watch import Watch
from app.oidc.pending import BegunSignIns
from app.secrets import LinkSigner, StreamTokens, WebhookSecrets, fingerprint_of
from app.settings import Settings
from app.settings.data_folder import signing_secret
from app.telemetry import Metrics, logger
from app.upstream.client import UpstreamClient
from app.videos.decoder import Decoder
from app.videos.store import Archive
from app.videos.thumbnails import Pictures
from app.webhooks.fairness import Fairness
from app.webhooks.sender import PayloadFormats, Sender

if TYPE_CHECKING:
    from app.oidc.provider import Provider

log = logger(__name__)

#: TCP keepalive. A submission may be silent for minutes, and gateways and firewalls forget
#: connections that are silent for a few. Then its answer would be lost, and a paid video would
#: become unknown. This also notices a network that is gone for two minutes.
_KEPT_OPEN = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 5))
        if hasattr(socket, name)
    ),
]
#: Downloads for the archive are limited by its lane; this limits those for operators.
_DOWNLOADS = 100
#: Videos that one process streams from the upstream at a time, before they are archived. Separate
#: from the archive's downloads, so that slow viewers do not delay archiving.
_RELAYS = 64
_RELAY_QUEUE_SECONDS = 5.0
#: Requests to one issuer at a time.
_SIGN_INS = 20
_SIGN_IN_QUEUE_SECONDS = 5.0


class Clock:
    """The time. Tests pass one that they control."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def for_database(self) -> datetime | None:
        """None: Postgres uses its own clock, the one all processes share."""
        return None


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What every command and process has. Use cases take this, or the smallest of the others that
    suffices."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    db: Database
    catalog: Catalog

    async def register_upstream_keys(self) -> dict[str, int]:
        """Makes the missing rows of the configured upstream keys; returns label → id."""
        wanted = self.settings.upstream_keys()
        async with self.db.begin() as tx:
            return await upstream_keys.register(
                tx, {label: fingerprint_of(key) for label, key in wanted.items()}
            )


@dataclass(slots=True, kw_only=True)
class VideoRuntime(Runtime):
    """What code that handles videos has in addition."""

    archive: Archive
    decoder: Decoder


def _read_limit() -> ConcurrencyLimit:
    return ConcurrencyLimit("lists and sums", at_a_time=4, wait_seconds=5.0, line=100)


def _webhook_test_limit() -> ConcurrencyLimit:
    return ConcurrencyLimit("webhook tests", at_a_time=2)


def _webhook_change_limit() -> RateLimit:
    return RateLimit("changes and tests of webhooks", per_minute=60)


@dataclass(slots=True, kw_only=True)
class ApiRuntime(VideoRuntime):
    """What an API process has."""

    watch: Watch
    keys: KeysInUse
    feed: Feed
    #: Streams videos from the upstream's file hosts until they are archived.
    downloads: GuardedFetcher
    #: Fetches images by their URLs.
    input_fetches: GuardedFetcher
    upload_limits: UploadLimits
    #: Tests webhook endpoints: workers send everything else.
    sender: Sender
    signer: LinkSigner
    stream_tokens: StreamTokens
    prices: Prices
    aliases: Aliases
    durations: Durations
    begun_sign_ins: BegunSignIns
    #: Issuers of OpenID Connect, by their ids, in the order of the sign-in page.
    providers: Mapping[str, Provider]
    callers: Callers = field(default_factory=Callers)
    pictures: Pictures = field(default_factory=Pictures)
    #: True from the first sign of a stop: readiness reports it, and no request waits any more.
    draining: bool = False
    #: Requests of each member that wait for a video in this process.
    waiting_by_member: Counter[UUID] = field(default_factory=Counter)
    #: Lists and sums. A few at a time leave database connections for the other members.
    read_limit: ConcurrencyLimit = field(default_factory=_read_limit)
    #: Tests of webhook endpoints. A receiver that does not answer takes 15 seconds.
    webhook_test_limit: ConcurrencyLimit = field(default_factory=_webhook_test_limit)
    #: Changes, tests and resends of webhooks. The audit log keeps each of them.
    webhook_change_limit: RateLimit = field(default_factory=_webhook_change_limit)
    #: Tests of webhook endpoints that are being sent now, of all members.
    tests_in_flight: int = 0

    def drain(self) -> None:
        self.draining = True
        self.watch.release()
        self.feed.release()


@dataclass(slots=True, kw_only=True)
class WorkerRuntime(VideoRuntime):
    """What a worker has."""

    upstream: UpstreamClient
    sender: Sender
    #: Fairness between the receivers of webhooks.
    fairness: Fairness
    #: Rows of the configured keys by label; see `upstream_key_ids_now`.
    upstream_key_ids: dict[str, int] = field(default_factory=dict)

    async def upstream_key_ids_now(self) -> dict[str, int]:
        """Registers the keys at the first use, because the database may be away when the process
        starts."""
        if not self.upstream_key_ids:
            self.upstream_key_ids = await self.register_upstream_keys()
        return self.upstream_key_ids


@asynccontextmanager
async def open_runtime(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Runtime]:
    """Raises `ConfigurationError`."""
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL must be set to a PostgreSQL address.")
    catalog, metrics = settings.catalog(), Metrics()
    for name, at in catalog.retirements():
        metrics.model_retires.labels(name).set(at)
    session = settings.database_session_url
    # Each is in use for a millisecond at a time.
    direct = max(settings.database_pool_size * 2 // 5, 1)
    db = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size - direct,
        direct_size=direct,
        session_address=session.get_secret_value() if session is not None else None,
        prepared=settings.database_prepared_statements,
    )
    try:
        yield Runtime(
            settings=settings, clock=clock or Clock(), metrics=metrics, db=db, catalog=catalog
        )
    finally:
        await db.close()


@asynccontextmanager
async def open_videos(rt: Runtime) -> AsyncIterator[VideoRuntime]:
    """Raises `ConfigurationError`."""
    archive, decoder = Archive.open(rt.settings.archive_address), Decoder()
    try:
        yield VideoRuntime(**_fields(rt), archive=archive, decoder=decoder)
    finally:
        await decoder.close()


@asynccontextmanager
async def open_api(rt: Runtime, *, formats: PayloadFormats) -> AsyncIterator[ApiRuntime]:
    """Raises `ConfigurationError`."""
    settings, sender = rt.settings, make_sender(rt, formats)
    keys = KeysInUse(rt.db, now=rt.clock.for_database, on_fault=_keys_unread)
    feed = Feed(rt.db, keys, on_fault=_events_unread)
    prices = Prices(
        rt.db, default=settings.prices(rt.catalog), clock=rt.clock.now,
        now=rt.clock.for_database, on_fault=_prices_unread,
    )  # fmt: skip
    watch = Watch(rt.db, on_notice=feed.wake, on_prices=prices.wake)
    async with (
        open_videos(rt) as videos, keys.running(), feed.running(), prices.running(),
        watch.running(),
    ):  # fmt: skip
        rt.metrics.waiting.set_function(lambda: watch.waiting)
        rt.metrics.streams.set_function(lambda: feed.listening)
        yield ApiRuntime(
            **_fields(videos),
            watch=watch,
            keys=keys,
            feed=feed,
            downloads=make_downloads(
                settings, max_connections=_RELAYS, queue_seconds=_RELAY_QUEUE_SECONDS
            ),
            input_fetches=make_input_fetches(settings),
            upload_limits=UploadLimits(
                rt.db, per_minute=settings.uploads_per_minute, now=rt.clock.for_database
            ),
            sender=sender,
            signer=sender.signer,
            stream_tokens=StreamTokens(signing_secret(settings)),
            prices=prices,
            aliases=Aliases.parse(settings.model_aliases, rt.catalog),
            durations=sender.durations,
            begun_sign_ins=BegunSignIns(signing_secret(settings)),
            providers={one.id: make_provider(one) for one in settings.issuers()},
        )


@asynccontextmanager
async def open_worker(rt: Runtime, *, formats: PayloadFormats) -> AsyncIterator[WorkerRuntime]:
    """Raises `ConfigurationError`."""
    for label in rt.settings.upstream_keys():
        rt.metrics.breaker_openings.labels(label)
    async with open_videos(rt) as videos:
        yield WorkerRuntime(
            **_fields(videos),
            upstream=make_upstream(rt),
            sender=make_sender(rt, formats),
            fairness=Fairness(rt.settings.webhook_concurrency),
        )


def _fields(rt: Runtime) -> dict[str, Any]:
    return {one.name: getattr(rt, one.name) for one in fields(rt)}


def make_upstream(rt: Runtime) -> UpstreamClient:
    return UpstreamClient(
        http=upstream_client(rt.settings),
        base_url=rt.settings.upstream_url,
        keys=rt.settings.upstream_keys(),
        fetcher=make_downloads(rt.settings),
        read_seconds=rt.settings.upstream_read_seconds,
        catalog=rt.catalog,
        observe=rt.metrics.observe_upstream,
    )


def make_downloads(
    settings: Settings, *, max_connections: int = _DOWNLOADS, **options: Any
) -> GuardedFetcher:
    """For the hosts that videos are downloaded from."""
    client = HttpClient(max_connections=max_connections, proxy=_proxy(settings), **options)
    return GuardedFetcher(client, download_policy(settings))


def make_input_fetches(settings: Settings) -> GuardedFetcher:
    """For images that callers name by a URL."""
    policy = fetch_policy(settings.input_internal_origins)
    return GuardedFetcher(HttpClient(max_connections=MOST), policy, resolver=resolver_apart)


def make_sender(rt: Runtime, formats: PayloadFormats) -> Sender:
    """For the addresses that webhooks may be sent to."""
    secret = signing_secret(rt.settings)
    client = HttpClient(max_connections=rt.settings.webhook_concurrency)
    return Sender(
        client=GuardedFetcher(client, receiver_policy(rt.settings), resolver=resolver_apart),
        secrets=WebhookSecrets(secret),
        signer=LinkSigner(secret, base_url=rt.settings.link_base),
        formats=formats,
        durations=Durations(rt.db),
    )


def make_provider(issuer: Issuer) -> Provider:
    """For any public host over https, since issuers have their endpoints on several, and the
    internal origins that are configured for this one. Redirects are not followed."""
    # Its cryptography takes 10 MB, which only a process with issuers needs.
    from app.oidc.provider import SECONDS, Provider

    client = HttpClient(
        max_connections=_SIGN_INS, queue_seconds=_SIGN_IN_QUEUE_SECONDS, idle_seconds=SECONDS
    )
    policy = FetchPolicy(
        hosts=None, trusted_origins=issuer.internal_origins, ports=frozenset({443, 8443}),
        max_redirects=0,
    )  # fmt: skip
    return Provider(issuer, GuardedFetcher(client, policy, resolver=resolver_apart))


def _events_unread(error: Exception) -> None:
    log.error("events_unread", exc_info=error)


def _prices_unread(error: Exception) -> None:
    log.error("prices_unread", exc_info=error)


def _keys_unread(error: Exception) -> None:
    log.error("keys_unread", exc_info=error)


def upstream_client(settings: Settings) -> HttpClient:
    # A worker makes as many look-ups at a time as submissions.
    return HttpClient(
        max_connections=2 * settings.worker_concurrency,
        socket_options=_KEPT_OPEN,
        proxy=_proxy(settings),
    )


def _proxy(settings: Settings) -> str | None:
    """None for the simulator, which is on this machine."""
    if settings.upstream_proxy is None or settings.simulated:
        return None
    return settings.upstream_proxy.get_secret_value()


def download_policy(settings: Settings) -> FetchPolicy:
    """The upstream's file hosts, and the simulator's address if there is one."""
    trusted: frozenset[str] = frozenset()
    if settings.simulator_url is not None:
        parts = urlsplit(settings.simulator_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        trusted = frozenset({f"{parts.scheme}://{parts.hostname}:{port}"})
    return FetchPolicy(hosts=frozenset(settings.download_hosts), trusted_origins=trusted)


def receiver_policy(settings: Settings) -> FetchPolicy:
    """Any public host over https, and the internal receivers that are configured. Redirects are not
    followed, so nothing is sent to an unchecked address."""
    return FetchPolicy(
        hosts=None,
        trusted_origins=frozenset(settings.webhook_internal_origins),
        ports=frozenset({443, 8443}),
        max_redirects=0,
    )
