"""`reelgate doctor`: whether everything this gateway needs is there, and what to do if it is
not."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass

from app import __version__
from app.db import assets, health, jobs
from app.db.migrate import schema_of
from app.domain.assets import AssetState
from app.errors import Unavailable
from app.http.ops import WORKER_SILENCE_SECONDS
from app.runtime import Runtime, VideoRuntime
from app.upstream.client import KeyCheck, UpstreamClient
from app.videos.store import ArchiveError

#: A larger difference shows: link expiry, schedules and the logs of processes disagree.
_CLOCK_TOLERANCE_SECONDS = 2.0
_OLDEST_POSTGRES = 140_000


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` None: it could not be checked, or it is only a remark."""

    name: str
    ok: bool | None
    detail: str


async def examine(rt: VideoRuntime, upstream: UpstreamClient) -> AsyncIterator[Finding]:
    """One finding after the other, so that a slow one does not delay the others."""
    yield Finding("version", True, f"{__version__} on Python {platform.python_version()}")
    for unknown in rt.settings.unknown_names:
        yield Finding("settings", None, f"{unknown.name} is set: {unknown.detail}")
    for findings in (_database(rt), _archive(rt), _videos(rt), _upstream(upstream)):
        for finding in await findings:
            yield finding


async def _database(rt: Runtime) -> list[Finding]:
    try:
        async with rt.db.single() as tx:
            version = await health.server_version(tx)
            schema = await schema_of(tx)
            offset = await health.clock_offset_seconds(tx, rt.clock.now().timestamp())
            seen = await jobs.worker_seen_seconds(tx) if schema.serves else None
    except Unavailable:
        return [Finding("database", False, "It does not answer: check DATABASE_URL.")]
    shown = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    new_enough = version >= _OLDEST_POSTGRES
    in_step = abs(offset) <= _CLOCK_TOLERANCE_SECONDS
    working = seen is not None and seen < WORKER_SILENCE_SECONDS
    return [
        Finding("database", new_enough, shown if new_enough else f"{shown}; 14 or newer is needed"),
        Finding("migrations", schema.serves, schema.detail + (
                "" if schema.serves else ": run `reelgate migrate`")),
        Finding("clock", in_step, f"{offset:+.2f} s from the database's" + (
                "" if in_step else ": set up time synchronisation")),
        Finding("worker", working or None, f"last seen {seen:.0f} s ago" if working else
                "no worker is running: start `reelgate worker`"),
    ]  # fmt: skip


async def _archive(rt: VideoRuntime) -> list[Finding]:
    try:
        await rt.archive.check()
    except ArchiveError as error:
        return [Finding("archive", False, f"{error}: check REELGATE_ARCHIVE_URL and its access")]
    return [Finding("archive", True, "writes, reads and deletes")]


async def _videos(rt: Runtime) -> list[Finding]:
    """What an operator has to decide about. Empty if the database cannot be read."""
    try:
        async with rt.db.single() as tx:
            if not (await schema_of(tx)).serves:
                return []
            unarchived = await assets.unarchived(tx)
    except Unavailable:
        return []
    return [
        Finding(
            "videos", None, f"{unarchived[state].count} {state.value}: see `reelgate archive list`"
        )
        for state in (AssetState.SET_ASIDE, AssetState.LOST)
        if state in unarchived
    ]


async def _upstream(upstream: UpstreamClient) -> list[Finding]:
    findings = []
    for label in upstream.labels():
        found = await upstream.check_key(label)
        advice = {
            KeyCheck.OK: "the key is accepted",
            KeyCheck.REJECTED: "the key is refused: check ONEMIN_API_KEY",
            KeyCheck.UNREACHABLE: "no answer: check the network and ONEMIN_BASE_URL",
        }
        findings.append(Finding(f"upstream key {label}", found is KeyCheck.OK, advice[found]))
    if not findings:
        findings.append(Finding("upstream key", None, "ONEMIN_API_KEY is not set"))
    return findings
