"""Carries out the disruptions of a plan, each at its moment, and undoes what has a length."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import psycopg

from app.db.session import driver_conninfo
from app.domain.operators import Pause
from app.errors import Unavailable
from app.operators import pauses, upstream_keys
from app.runtime import Runtime
from tests.chaos import disk, folders
from tests.chaos.answers import ALTERED
from tests.chaos.holding import HELD_CONNECTIONS, HOLDS, hold_on
from tests.chaos.plan import Disruption
from tests.chaos.postgres import Postgres
from tests.chaos.site import UPSTREAM_KEYS, Site
from tests.chaos.upstream import Upstream
from tests.upstream.loopback import Connection, serving

#: Requests that a limited upstream turns away at a time.
_LIMITED_REQUESTS = 15
#: Answers that are altered at a time, and how long they are waited for.
_ALTERED_ANSWERS, _MOOD_SECONDS = 4, 20.0
#: Kills of Postgres and full disks may come one after the other, and each take its time.
_PATIENCE_SECONDS = 180.0
_PAUSE_SECONDS = 0.2
#: How far a clock jumps: beyond every deadline of a run.
_STEP_SECONDS = 3600.0
#: A TLS alert, fatal: handshake_failure.
_HANDSHAKE_FAILURE = bytes((21, 3, 3, 0, 2, 2, 40))
#: An operator looks after set-aside keys so often.
ROUND_SECONDS = 3.0


class Saboteur:
    """`rt` is the operator's own way in; it meets the same outages as everybody."""

    def __init__(self, site: Site, postgres: Postgres, upstream: Upstream, rt: Runtime) -> None:
        self.done: Counter[str] = Counter()
        self._site, self._postgres, self._upstream, self._rt = site, postgres, upstream, rt
        self._database, self._folder = asyncio.Lock(), asyncio.Lock()

    async def run(self, disruptions: Sequence[Disruption], *, until: float) -> None:
        """Each target has one disruption at a time; the next one waits. Those that still wait at
        the end are dropped, except the first of each kind, which comes late on a slow machine."""
        begin, met = time.monotonic(), set[str]()
        async with asyncio.TaskGroup() as group:
            for disruption in disruptions:
                await asyncio.sleep(max(0.0, begin + disruption.at - time.monotonic()))
                last = until if disruption.kind in met else math.inf
                met.add(disruption.kind)
                group.create_task(self._disrupt(disruption, last))

    async def _disrupt(self, disruption: Disruption, until: float) -> None:
        act: Callable[[Disruption, float], Awaitable[bool]] = getattr(self, f"_{disruption.kind}")
        if await act(disruption, until):
            self.done[disruption.kind] += 1

    # Processes

    async def _kill_api(self, disruption: Disruption, until: float) -> bool:
        return await self._site.apis[disruption.target].kill(until=until)

    async def _kill_worker(self, disruption: Disruption, until: float) -> bool:
        return await self._site.workers[disruption.target].kill(until=until)

    async def _kill_upstream(self, disruption: Disruption, until: float) -> bool:
        """For a while connections are refused; what was open is reset. Faults that are still to
        come are planted again: they would die with the process."""
        rules = await self._upstream.unmet()
        async with self._site.between.away():
            if not await self._site.upstream.kill(until=until, away_seconds=disruption.seconds / 3):
                return False
        for rule in rules:
            await self._upstream.rule(rule)
        return True

    async def _freeze_api(self, disruption: Disruption, until: float) -> bool:
        return await self._site.apis[disruption.target].freeze(disruption.seconds, until=until)

    async def _freeze_worker(self, disruption: Disruption, until: float) -> bool:
        return await self._site.workers[disruption.target].freeze(disruption.seconds, until=until)

    async def _restart_api(self, disruption: Disruption, until: float) -> bool:
        return await self._site.apis[disruption.target].restart(until=until)

    async def _restart_worker(self, disruption: Disruption, until: float) -> bool:
        return await self._site.workers[disruption.target].restart(until=until)

    async def _roll(self, _: Disruption, until: float) -> bool:
        """A redeploy: one process after the other. One that has begun is finished."""
        if time.monotonic() > until:
            return False
        for seat in (*self._site.apis, *self._site.workers):
            await seat.restart(until=math.inf)
        return True

    # Postgres

    async def _kill_postgres(self, disruption: Disruption, until: float) -> bool:
        async with self._database:
            if time.monotonic() > until:
                return False
            window = self._site.outages.begin("postgres")
            self._postgres.kill()
            await asyncio.sleep(disruption.seconds / 4)
            await asyncio.to_thread(self._postgres.start)
            self._site.outages.end(window)
        return True

    async def _cut_connections(self, _: Disruption, until: float) -> bool:
        async with self._database:
            if time.monotonic() > until:
                return False
            window = self._site.outages.begin("postgres")
            await asyncio.to_thread(cut_connections, self._postgres.address)
            self._site.outages.end(window)
        return True

    async def _fill_disk(self, disruption: Disruption, until: float) -> bool:
        async with self._database:
            if time.monotonic() > until:
                return False
            window = self._site.outages.begin("postgres")
            await asyncio.to_thread(disk.fill, self._postgres.address)
            try:
                await asyncio.sleep(disruption.seconds)
            finally:
                disk.make_room(self._postgres.address)
                self._site.outages.end(window)
        return True

    # The clock

    async def _advance_clock(self, disruption: Disruption, until: float) -> bool:
        return await self._step_clock(disruption, until, ahead_seconds=_STEP_SECONDS)

    async def _delay_clock(self, disruption: Disruption, until: float) -> bool:
        return await self._step_clock(disruption, until, ahead_seconds=-_STEP_SECONDS)

    async def _step_clock(
        self, disruption: Disruption, until: float, *, ahead_seconds: float
    ) -> bool:
        """Of one process: a jump, and a jump back."""
        seat = [*self._site.apis, *self._site.workers][disruption.target]
        if time.monotonic() > until:
            return False
        seat.rig.turn(replace(seat.rig.now, ahead_seconds=ahead_seconds))
        try:
            await asyncio.sleep(disruption.seconds)
        finally:
            seat.rig.turn(replace(seat.rig.now, ahead_seconds=0.0))
        return True

    # The archive

    async def _fill_archive(self, disruption: Disruption, until: float) -> bool:
        return await self._rig_archive("full", disruption, until)

    async def _slow_archive(self, disruption: Disruption, until: float) -> bool:
        return await self._rig_archive("slow", disruption, until)

    async def _rig_archive(self, how: str, disruption: Disruption, until: float) -> bool:
        """For all workers: a video breaks off in the middle of being written, or takes long."""
        async with self._folder:
            if time.monotonic() > until:
                return False
            workers = self._site.workers
            for seat in workers:
                seat.rig.turn(replace(seat.rig.now, archive=how))
            try:
                await asyncio.sleep(disruption.seconds)
            finally:
                for seat in workers:
                    seat.rig.turn(replace(seat.rig.now, archive="sound"))
        return True

    async def _break_archive(self, disruption: Disruption, until: float) -> bool:
        """A file where its folder was. Permissions would stop nobody who is root."""
        async with self._folder:
            if time.monotonic() > until:
                return False
            window = self._site.outages.begin("archive")
            away = await asyncio.to_thread(folders.take_away, self._site.archive)
            try:
                await asyncio.sleep(disruption.seconds)
            finally:
                folders.bring_back(self._site.archive, away)
                self._site.outages.end(window)
        return True

    # The upstream and its keys

    async def _break_tls(self, disruption: Disruption, until: float) -> bool:
        """A worker is sent to an upstream whose certificate is not trusted, or that breaks off the
        handshake."""
        async with broken_tls(certificate=disruption.target == 0) as address:
            wrong = {"REELGATE_SIMULATOR_URL": address}
            seat = self._site.workers[disruption.target]
            return await seat.mislead(wrong, disruption.seconds, until=until)

    async def _reject_key(self, disruption: Disruption, _: float) -> bool:
        key = list(UPSTREAM_KEYS.values())[disruption.target]
        await self._upstream.account(key=key, rejected="inactive")
        await asyncio.sleep(disruption.seconds)
        await self._upstream.account(key=key, rejected=None)
        return True

    async def _empty_key(self, disruption: Disruption, _: float) -> bool:
        key = list(UPSTREAM_KEYS.values())[disruption.target]
        await self._upstream.account(key=key, credit_limit=0)
        await asyncio.sleep(disruption.seconds)
        await self._upstream.account(key=key, credit_limit=10**12)
        return True

    async def _limit_rate(self, _: Disruption, __: float) -> bool:
        for path in ("features", "results"):
            rule = {"match": {"path": path}, "times": _LIMITED_REQUESTS}
            await self._upstream.rule({**rule, "fault": {"name": "rate_limited"}})
        return True

    # What no framework would send

    async def _set_cookies(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("cookies", disruption, until)

    async def _redirect_answers(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("redirects", disruption, until)

    async def _pack_answers(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("packed", disruption, until)

    async def _show_another(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("foreign", disruption, until)

    async def _slow_downloads(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("slow", disruption, until)

    async def _poison_films(self, disruption: Disruption, until: float) -> bool:
        return await self._alter("poison", disruption, until)

    async def _alter(self, mood: str, disruption: Disruption, until: float) -> bool:
        """The next answers, once there are any."""
        if time.monotonic() > until:
            return False
        window = self._site.outages.begin(ALTERED)
        try:
            await self._site.between.alter(mood, _ALTERED_ANSWERS, seconds=_MOOD_SECONDS)
            # What is slow has not ended with the last of them.
            await asyncio.sleep(disruption.seconds)
        finally:
            self._site.outages.end(window)
        return True

    async def _hold_connections(self, disruption: Disruption, _: float) -> bool:
        """Clients without a key that hold on to what they were given."""
        port = self._site.apis[disruption.target].port
        holding = (hold_on(port, how, disruption.seconds) for how in HOLDS * HELD_CONNECTIONS)
        await asyncio.gather(*holding)
        return True

    async def _pause_admission(self, disruption: Disruption, _: float) -> bool:
        return await self._pause(Pause.ADMISSION, disruption.seconds)

    async def _pause_submission(self, disruption: Disruption, _: float) -> bool:
        return await self._pause(Pause.SUBMISSION, disruption.seconds)

    async def _pause(self, pause: Pause, seconds: float) -> bool:
        window = self._site.outages.begin(pause.value)
        try:
            await self._set(pause, paused=True)
            await asyncio.sleep(seconds)
        finally:
            await self._set(pause, paused=False)
            self._site.outages.end(window)
        return True

    async def _set(self, pause: Pause, *, paused: bool) -> None:
        await patiently(
            lambda: pauses.set_paused(self._rt, pause, paused=paused, reason="chaos", actor="chaos")
        )

    async def look_after_keys(self) -> None:
        """The operator who takes keys back that were set aside; until it is canceled."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self.take_keys_back()

    async def take_keys_back(self) -> None:
        for label in UPSTREAM_KEYS:
            await patiently(
                partial(upstream_keys.return_to_use, self._rt, label, reason="chaos", actor="chaos")
            )


async def patiently(act: Callable[[], Awaitable[None]]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            return await act()
        except Unavailable:
            await asyncio.sleep(_PAUSE_SECONDS)
    raise AssertionError("Postgres stays away")


def cut_connections(address: str) -> None:
    """Those of the gateway; an operator's own session stays."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextlib.asynccontextmanager
async def broken_tls(*, certificate: bool) -> AsyncIterator[str]:
    """The address of a server with a certificate of its own making, or one that says no to every
    handshake."""

    async def refuse(connection: Connection) -> None:
        if not certificate:
            await connection.send(_HANDSHAKE_FAILURE)
        await connection.until_hung_up()

    async with serving(refuse, tls=certificate) as server:
        yield f"https://127.0.0.1:{server.port}"
