"""The processes of Reelgate: API, worker, simulator, and `up`, which is all of them in one.

Each imports what it needs when it runs: the API alone needs neither worker nor simulator, whose
video and job libraries take a fifth of its memory, and a command needs none of the three.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app import __version__
from app.db import migrate
from app.db.faults import Fault
from app.db.session import reason_of
from app.embedded import embedded_postgres, revive
from app.errors import ConfigurationError, Unavailable
from app.listener import cannot_listen, listening
from app.liveness import answering
from app.loop import raise_file_limit, run, run_until_cancelled, settle, signals_held
from app.operators import startup
from app.runtime import ApiRuntime, Runtime, open_api, open_runtime, open_worker
from app.settings import LogFormat, Settings
from app.settings.data_folder import data_folder
from app.telemetry import configure_logging, logger
from app.webhooks.payloads import PAYLOAD_FORMATS

if TYPE_CHECKING:
    from app.http.server import Server

log = logger(__name__)

_GAUGE_SECONDS = 5.0
_REVIVE_SECONDS = 1.0
_LOOPBACK = "127.0.0.1"
_INSUFFICIENT_PRIVILEGE = "42501"


def _pretty(settings: Settings) -> bool:
    return settings.log_format is LogFormat.PRETTY or (
        settings.log_format is LogFormat.AUTO and sys.stderr.isatty()
    )


def start_logging(settings: Settings) -> None:
    configure_logging(
        json=not _pretty(settings), level=settings.log_level, secrets=settings.secrets()
    )
    for unknown in settings.unknown_names:
        log.warning("setting_unknown", name=unknown.name, detail=unknown.detail)


def _announce(
    settings: Settings, command: str, *, embedded: bool = False, key: str | None = None
) -> None:
    """Reports what has started and what it uses: on standard output for a person, or in the log for
    programs. `up` always prints it, because the first key is printed there."""
    facts = startup.facts(settings, api=command != "worker", embedded=embedded)
    if key is not None:
        facts["new_key"] = key
    _report(settings, command, facts)


def _report(settings: Settings, command: str, facts: dict[str, str]) -> None:
    if not _pretty(settings):
        log.info("process_started", command=command, version=__version__, **facts)
    if _pretty(settings) or command == "up":
        print(startup.block(facts), flush=True)  # noqa: T201


def run_command(
    settings: Settings, act: Callable[[Runtime], Awaitable[None]], *, migrated: bool = True
) -> None:
    """Runs a command's use case on an opened runtime. `migrated`: it needs this version's schema.
    Raises `ConfigurationError`, `Unavailable`, and `KeyboardInterrupt` for a signal."""
    run_until_stopped(lambda: _with_runtime(settings, act, migrated=migrated))


def run_until_stopped(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs what a command does. Raises what it raises, and `KeyboardInterrupt` for a signal."""
    ended = False

    async def until_stopped(stopping: asyncio.Event) -> None:
        nonlocal ended
        acting = asyncio.ensure_future(act())
        stop = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({acting, stop}, return_when=asyncio.FIRST_COMPLETED)
        ended = acting.done()
        stop.cancel()
        if not ended:
            acting.cancel()
        await acting

    try:
        run_until_cancelled(until_stopped)
    except asyncio.CancelledError:
        if ended:
            raise
        raise KeyboardInterrupt from None


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    with listening(settings.host, settings.port, "REELGATE_PORT") as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        async with (
            open_runtime(settings.paced()) as rt,
            open_api(rt, formats=PAYLOAD_FORMATS) as api,
        ):
            await startup.refuse_other_databases(rt)
            _announce(settings, "serve", key=startup.key_command())
            await _serve_api(api, listener, stopping)


async def work(settings: Settings, stopping: asyncio.Event) -> None:
    if not settings.upstream_keys():
        raise ConfigurationError(
            "A worker needs ONEMIN_API_KEY, or REELGATE_SIMULATOR_URL for a simulator."
        )
    from app.worker.run import run as run_worker

    raise_file_limit()
    async with (
        open_runtime(settings.paced()) as rt,
        open_worker(rt, formats=PAYLOAD_FORMATS) as worker,
    ):
        await startup.refuse_other_databases(rt)
        if settings.worker_metrics_port:
            _show_metrics(rt)
        _announce(settings, "worker")
        settle()
        gauging = asyncio.create_task(_keep_gauges(rt))
        try:
            async with answering(settings.liveness_socket):
                await run_worker(worker, stopping)
        finally:
            gauging.cancel()


def _show_metrics(rt: Runtime) -> None:
    from prometheus_client import start_http_server

    host, port = rt.settings.host, rt.settings.worker_metrics_port
    try:
        start_http_server(port, host, rt.metrics.registry)
    except (OSError, UnicodeError) as error:
        raise cannot_listen(host, port, "REELGATE_WORKER_METRICS_PORT", error) from None


async def _keep_gauges(rt: Runtime) -> None:
    """A worker's metrics are served by another thread, so its gauges are refreshed regularly
    instead."""
    from app.operators import gauges

    while rt.settings.worker_metrics_port:
        with contextlib.suppress(Unavailable):
            await gauges.refresh(rt)
        await asyncio.sleep(_GAUGE_SECONDS)


async def simulate(settings: Settings, stopping: asyncio.Event) -> None:
    async with _simulator(settings) as address:
        _report(settings, "simulate", startup.simulator_facts(settings, address))
        log.warning("simulator_started", version=__version__, address=address)
        async with answering(settings.liveness_socket):
            await stopping.wait()


def up(settings: Settings) -> None:
    """Everything in one process: with the embedded Postgres and the simulator unless others are
    set."""
    with contextlib.ExitStack() as stack:
        # First, so that a second start beside a running one ends before it touches anything.
        listener = stack.enter_context(listening(settings.host, settings.port, "REELGATE_PORT"))
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        embedded = settings.database_url is None
        if embedded:
            address = stack.enter_context(embedded_postgres(settings.data_dir))
            settings = settings.model_copy(update={"database_url": SecretStr(address)})
        assert settings.database_url is not None
        migrated(settings)
        run(lambda stopping: _up(settings, listener, stopping, embedded=embedded))


async def _up(
    settings: Settings, listener: socket.socket, stopping: asyncio.Event, *, embedded: bool
) -> None:
    from app.operators.bootstrap import ensure_first_key, lost_key_command
    from app.worker.run import run as run_worker

    async with contextlib.AsyncExitStack() as stack:
        if embedded:
            await stack.enter_async_context(_reviving(settings.data_dir))
        if settings.onemin_api_key is None and settings.simulator_url is None:
            address = await stack.enter_async_context(_simulator(settings))
            settings = settings.model_copy(update={"simulator_url": address})
            log.warning("simulator_in_place_of_upstream", speed=settings.simulator_speed)
        rt = await stack.enter_async_context(open_runtime(settings.paced()))
        api = await stack.enter_async_context(open_api(rt, formats=PAYLOAD_FORMATS))
        worker = await stack.enter_async_context(open_worker(rt, formats=PAYLOAD_FORMATS))
        worker_stopping = asyncio.Event()
        working = asyncio.create_task(run_worker(worker, worker_stopping))
        working.add_done_callback(lambda _: stopping.set())
        try:
            first_key = await ensure_first_key(rt)
            _announce(settings, "up", embedded=embedded, key=await lost_key_command(rt))
            if first_key is not None:
                print(first_key, flush=True)  # noqa: T201
            await _serve_api(api, listener, stopping)
        finally:
            worker_stopping.set()
            await working


@contextlib.asynccontextmanager
async def _reviving(data_dir: Path) -> AsyncIterator[None]:
    """Restarts an embedded Postgres that ends, while the block lasts."""

    async def look() -> None:
        while True:
            await asyncio.sleep(_REVIVE_SECONDS)
            try:
                if await asyncio.to_thread(revive, data_dir):
                    log.error("postgres_ended", started_again=True)
            except Exception:
                log.error("postgres_ended", started_again=False)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _serve_api(rt: ApiRuntime, listener: socket.socket, stopping: asyncio.Event) -> None:
    from app.http.server import Server, server_config
    from app.main import create_app

    raise_file_limit()
    config = server_config(create_app(rt), rt.settings)
    settle()
    log.info(
        "api_started",
        version=__version__,
        address=rt.settings.local_url,
        simulated=rt.settings.simulated,
    )
    async with answering(rt.settings.liveness_socket), _operations(rt):
        await _until(stopping, Server(config), listener, on_stop=lambda: _drain(rt))
    log.info("api_stopped")


@contextlib.asynccontextmanager
async def _operations(rt: ApiRuntime) -> AsyncIterator[None]:
    """While the block lasts, serves metrics and health on a port of their own, if one is set."""
    from app.http.ops import create_operations
    from app.http.server import Server, server_config

    host, port = rt.settings.host, rt.settings.operations_port
    if not port:
        yield
        return
    with listening(host, port, "REELGATE_OPERATIONS_PORT") as listener:
        config = server_config(create_operations(rt), rt.settings)
        async with _served(Server(config), listener):
            yield


@contextlib.asynccontextmanager
async def _served(server: Server, listener: socket.socket) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    serving = asyncio.create_task(_until(stopping, server, listener, on_stop=_nothing))
    try:
        yield
    finally:
        stopping.set()
        await serving


async def _drain(rt: ApiRuntime) -> None:
    """Reports the stop for as long as load balancers need to notice, then ends all waiting."""
    rt.draining = True
    await asyncio.sleep(rt.settings.drain_notice_seconds)
    rt.drain()


async def _nothing() -> None:
    return None


async def _until(
    stopping: asyncio.Event,
    server: Server,
    listener: socket.socket,
    *,
    on_stop: Callable[[], Awaitable[None]],
) -> None:
    """Serves until `stopping`, then lets requests in flight finish."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        await on_stop()
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def _simulator(settings: Settings) -> AsyncIterator[str]:
    """Yields the address of a running simulator, whose data survives a restart."""
    from app.http.server import Server
    from app.simulator.app import create_simulator
    from app.simulator.config import SimulatorConfig
    from app.simulator.models import everything
    from app.simulator.server import uvicorn_config

    folder = data_folder(settings, "simulator")
    app = create_simulator(
        SimulatorConfig(
            data_dir=folder,
            speed=settings.simulator_speed,
            one_video_for_all=settings.simulator_one_film,
            catalog=everything(settings.catalog()),
        )
    )
    with listening(_LOOPBACK, settings.simulator_port, "REELGATE_SIMULATOR_PORT") as listener:
        # Not uvicorn's own, which a second signal interrupts.
        async with app.router.lifespan_context(app):
            port = listener.getsockname()[1]
            config = uvicorn_config(app, _LOOPBACK, port, log_config=None, lifespan="off")
            async with _served(Server(config), listener):
                yield f"http://{_LOOPBACK}:{port}"


async def _with_runtime(
    settings: Settings, act: Callable[[Runtime], Awaitable[None]], *, migrated: bool
) -> None:
    async with open_runtime(settings) as rt:
        if migrated:
            await startup.need_database(rt)
        try:
            await act(rt)
        except Unavailable as away:
            if (reason := reason_of(away)) is None:
                raise
            raise Unavailable(f"The database cannot be used: {reason}.") from None
        except Fault as fault:
            if fault.sqlstate != _INSUFFICIENT_PRIVILEGE:
                raise
            raise ConfigurationError(
                "The database's role lacks a privilege: `reelgate doctor` says which."
            ) from None


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[Settings]:
    """Settings with a database address: the configured one, or the embedded server's while the
    block lasts."""
    if settings.database_url is not None:
        yield settings
        return
    with embedded_postgres(settings.data_dir) as address:
        yield settings.model_copy(update={"database_url": SecretStr(address)})


def migrated(settings: Settings) -> migrate.Upgrade:
    """Brings the database of these settings to the newest schema. Raises `Unavailable`."""
    assert settings.session_address is not None
    with signals_held():
        migrate.load()
    return migrate.upgrade(settings.session_address.get_secret_value())
