"""The processes under attack: started, killed, frozen, restarted, each in a place of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.chaos import rig
from tests.chaos.answers import DRAIN_SECONDS
from tests.chaos.between import Between
from tests.chaos.outages import Outages
from tests.chaos.plan import APIS, KEYS, WORKERS
from tests.harness.gateway import SIGNING_SECRET
from tests.harness.processes import START_SECONDS, Process, ending_processes

UPSTREAM_KEYS = {f"key{number}": f"canary-upstream-key-{number:04}" for number in range(KEYS)}
#: A stopping process may take its drain time, close what it has open, and share the machine.
STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.05
#: Deadlines and pauses of a run: short, so that each of them is met many times.
_SETTINGS = {
    "REELGATE_SIMULATOR_SPEED": "200",
    "REELGATE_SIMULATOR_ONE_FILM": "true",
    "REELGATE_LOG_FORMAT": "json",
    "REELGATE_DATABASE_POOL_SIZE": "6",
    "REELGATE_WAIT_SECONDS": "8",
    "REELGATE_DRAIN_SECONDS": f"{DRAIN_SECONDS:g}",
    "REELGATE_POLL_FIRST_SECONDS": "0.5",
    "REELGATE_POLL_SECONDS": "0.5",
    "REELGATE_WORKER_POLL_SECONDS": "0.5",
    "REELGATE_WORKER_STALLED_SECONDS": "3",
    "REELGATE_WORKER_CONCURRENCY": "40",
    "REELGATE_UPSTREAM_READ_SECONDS": "4",
    "REELGATE_RUNNING_SECONDS": "15",
    "REELGATE_MAX_VIDEO_BYTES": "20000000",
}


class Seat:
    """The place of one process: always the same port, one process after another.

    Whatever is done to it is done one thing at a time; `name` is that of its outages.
    """

    def __init__(
        self, command: str, number: int, *, port: int, folder: Path, settings: Mapping[str, str],
        outages: Outages, started: list[Process], http: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        self.command, self.name, self.port = command, f"{command}-{number}", port
        self.address = f"http://127.0.0.1:{self.port}"
        self.failures: list[str] = []
        self.rig = rig.Rig(folder / f"{self.name}.rig")
        self._folder, self._settings = folder, settings
        self._outages, self._started, self._http = outages, started, http
        self._lives = itertools.count(1)
        self._lock = asyncio.Lock()
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        """Returns once it serves, or works. One that refuses to start while the archive is away is
        started again, as a supervisor would."""
        begin = time.monotonic()
        self._begin()
        while not await self._is_up():
            # Another process gives no event.
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            if self.process.running and now < begin + START_SECONDS:
                continue
            if not self._outages.met("archive", begin, now, grace=0):
                tail = self.process.errors[-1500:]
                raise AssertionError(f"{self.process.name} did not start: {tail}")
            begin = now
            self._begin()

    def _begin(self) -> None:
        own = {
            "serve": {"REELGATE_PORT": str(self.port)},
            "simulate": {"REELGATE_SIMULATOR_PORT": str(self.port)},
        }.get(self.command, {})
        self._process = Process(
            self.command, folder=self._folder, name=f"{self.name}-{next(self._lives)}",
            settings={**self._settings, **own, **self.rig.settings}, program=rig.PROGRAM,
        )  # fmt: skip
        self._started.append(self._process)

    async def _is_up(self) -> bool:
        if self.command == "worker":
            return bool(self.process.events("worker_started"))
        path = "/livez" if self.command == "serve" else "/_simulator/faults"
        with contextlib.suppress(httpx.TransportError):
            return (await self._http.get(self.address + path)).status_code == 200
        return False

    async def kill(self, *, until: float, away_seconds: float = 0.0) -> bool:
        """False where its turn came after `until`; so with `freeze` and `restart`."""
        async with self._lock:
            if time.monotonic() > until:
                return False
            self._note_death()
            window = self._outages.begin(self.name)
            self.process.kill()
            await asyncio.sleep(away_seconds)
            await self.start()
            self._outages.end(window)
        return True

    async def freeze(self, seconds: float, *, until: float) -> bool:
        async with self._lock:
            if time.monotonic() > until:
                return False
            await self._revive()
            window = self._outages.begin(self.name)
            self.process.pause()
            try:
                await asyncio.sleep(seconds)
            finally:
                self.process.resume()
                self._outages.end(window)
        return True

    async def mislead(self, settings: Mapping[str, str], seconds: float, *, until: float) -> bool:
        """A redeploy with wrong settings, and one that puts them right."""
        async with self._lock:
            if time.monotonic() > until:
                return False
            await self._revive()
            right = self._settings
            for given, stays in (({**right, **settings}, seconds), (right, 0.0)):
                self._settings = given
                window = self._outages.begin(self.name, orderly=True)
                await self._stop()
                await self.start()
                self._outages.end(window)
                await asyncio.sleep(stays)
        return True

    async def restart(self, *, until: float) -> bool:
        async with self._lock:
            if time.monotonic() > until:
                return False
            await self._revive()
            window = self._outages.begin(self.name, orderly=True)
            await self._stop()
            await self.start()
            self._outages.end(window)
        return True

    async def leave(self) -> None:
        async with self._lock:
            self._outages.begin(self.name, orderly=True)
            await self._stop()

    async def _stop(self) -> None:
        """SIGTERM. One that does not end in time, or not well, has failed."""
        process = self.process
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.exit_code, seconds=STOP_SECONDS)
        if process.running:
            self.failures.append(f"{process.name} did not stop within {STOP_SECONDS:g} s")
            process.kill()
        elif process.exit_code() != 0:
            self.failures.append(f"{process.name} ended with {process.exit_code()} on SIGTERM")

    async def ensure_running(self) -> None:
        async with self._lock:
            await self._revive()

    async def _revive(self) -> None:
        if self._note_death():
            await self.start()

    def _note_death(self) -> bool:
        """One that ended although nobody touched it has failed."""
        if self.process.running:
            return False
        self.failures.append(f"{self.process.name} ended by itself")
        return True


class Site:
    """`new_port` gives ports that are this run's alone."""

    def __init__(
        self, database_url: str, folder: Path, started: list[Process], new_port: Callable[[], int]
    ) -> None:
        self.folder, self.database_url = folder, database_url
        self.archive = folder / "data" / "archive"
        self.outages, self.started = Outages(), started
        #: Where those listen that want to be told.
        self.hooks_port = new_port()
        # One for all that are waited for: each new one reads every certificate of the machine.
        self._http = plain_http(timeout=2)
        settings = {
            **_SETTINGS,
            "DATABASE_URL": database_url,
            "ONEMIN_API_KEY": ",".join(f"{label}={key}" for label, key in UPSTREAM_KEYS.items()),
            "REELGATE_DATA_DIR": str(folder / "data"),
            "REELGATE_SIGNING_SECRET": SIGNING_SECRET,
            "REELGATE_WEBHOOK_INTERNAL_ORIGINS": self.hooks_origin,
        }

        def seat(command: str, number: int) -> Seat:
            return Seat(
                command, number, port=new_port(), folder=folder / "logs", settings=settings,
                outages=self.outages, started=started, http=self._http,
            )  # fmt: skip

        self.upstream = seat("simulate", 0)
        self.between = Between(new_port(), self.upstream.address)
        settings["REELGATE_SIMULATOR_URL"] = self.between.address
        self.apis = [seat("serve", number) for number in range(APIS)]
        self.workers = [seat("worker", number) for number in range(WORKERS)]

    @property
    def seats(self) -> list[Seat]:
        return [self.upstream, *self.apis, *self.workers]

    @property
    def hooks_origin(self) -> str:
        return f"http://127.0.0.1:{self.hooks_port}"

    async def callback_secret(self, key: str) -> str:
        """What is told to this key's callbacks is signed with it."""
        answer = await self._http.get(
            f"{self.apis[0].address}/api/v1/webhooks/callback-secret", headers={"API-KEY": key},
            timeout=START_SECONDS,
        )  # fmt: skip
        return str(answer.raise_for_status().json()["secret"])

    async def close(self) -> None:
        await self.between.close()
        await self._http.aclose()

    async def start(self) -> None:
        await self.upstream.start()
        await self.between.open()
        await asyncio.gather(*(seat.start() for seat in (*self.apis, *self.workers)))


@contextlib.contextmanager
def site(database_url: str, folder: Path) -> Iterator[Site]:
    """Whatever happens, every process of it is ended with the block."""
    with contextlib.ExitStack() as ports, ending_processes() as started:
        yield Site(database_url, folder, started, partial(kept_port, ports))


def plain_http(**options: Any) -> httpx.AsyncClient:
    """A client for loopback. Each request has a connection of its own: one that is kept may be
    closed at the very moment it is used, and then nobody knows whose fault that was."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(trust_env=False, verify=False, limits=limits, **options)


def kept_port(stack: contextlib.ExitStack) -> int:
    """A port that nobody else is given while the stack lasts: a process that was killed has to come
    back to it. It is bound and not listened on. Who reuses addresses, as the processes do, may
    listen beside that; while nobody does, connections are refused."""
    kept = stack.enter_context(socket.socket())
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    return port
