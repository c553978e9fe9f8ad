"""`reelgate doctor`: whether everything this gateway needs is there, and what to do if it is
not."""

from __future__ import annotations

import asyncio
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from app import __version__
from app.db import assets, conditions, health, jobs, upstream_watermarks
from app.db.faults import Fault
from app.db.migrate import schema_of
from app.db.session import POOLER, Database, reason_of
from app.domain.assets import AssetState
from app.domain.upstream_keys import KeyCheck
from app.errors import Unavailable
from app.http.ops import CLOCK_TOLERANCE_SECONDS, WORKER_SILENCE_SECONDS
from app.runtime import Runtime, VideoRuntime
from app.upstream.client import UpstreamClient
from app.videos.store import ArchiveError

_OLDEST_POSTGRES = 140_000
#: A few videos of the usual size.
_FREE_BYTES = 2**28


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
    for findings in (
        _database(rt), _session(rt), _disk(rt), _archive(rt), _videos(rt), _upstream(rt, upstream),
        _credits(rt),
    ):  # fmt: skip
        for finding in await findings:
            yield finding


async def _database(rt: Runtime) -> list[Finding]:
    findings = []
    try:
        async with rt.db.single() as tx:
            findings.append(_version(await health.server_version(tx)))
            unmet = await conditions.unmet(tx, rt.db)
            findings += [Finding("database", False, str(one)) for one in unmet]
            offset = await health.clock_offset_seconds(tx, rt.clock.now().timestamp())
            findings.append(_clock(offset))
            schema = await schema_of(tx)
            behind = schema.released and not schema.serves
            remedy = ": run `reelgate migrate`" if behind else ""
            findings.append(Finding("migrations", schema.serves, schema.detail + remedy))
            findings.append(_worker(await jobs.worker_seen_seconds(tx) if schema.serves else None))
    except Unavailable as away:
        reason = reason_of(away) or away.message
        advice = "" if POOLER in reason else ": check DATABASE_URL"
        findings.append(Finding("database", False, reason + advice))
    except Fault as fault:
        findings.append(Finding("database", False, f"It refuses to be looked at: {fault}"))
    return findings


def _version(version: int) -> Finding:
    shown = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    if version >= _OLDEST_POSTGRES:
        return Finding("database", True, shown)
    return Finding("database", False, f"{shown}; 14 or newer is needed")


def _clock(offset: float) -> Finding:
    in_step = abs(offset) <= CLOCK_TOLERANCE_SECONDS
    remedy = "" if in_step else ": set up time synchronisation"
    return Finding("clock", in_step, f"{offset:+.2f} s from the database's{remedy}")


def _worker(seen: float | None) -> Finding:
    if seen is not None and seen < WORKER_SILENCE_SECONDS:
        return Finding("worker", True, f"last seen {seen:.0f} s ago")
    return Finding("worker", None, "no worker is running: start `reelgate worker`")


async def _session(rt: Runtime) -> list[Finding]:
    """What a pooler's database is asked for in sessions of its own."""
    if not rt.db.pooler:
        return []
    direct = Database(rt.db.session_address, pool_size=1, pooled=False)
    try:
        async with direct.single() as tx:
            unmet = await conditions.unmet(tx, direct)
    except (Unavailable, Fault) as away:
        reason = reason_of(away) or str(away)
        return [Finding("sessions", False, f"{reason}: check REELGATE_DATABASE_SESSION_URL")]
    finally:
        await direct.close()
    return [Finding("sessions", False, str(one)) for one in unmet] or [
        Finding("sessions", True, "are to be had beside the pooler")
    ]


async def _disk(rt: Runtime) -> list[Finding]:
    """The folders that are written to, and what is free there."""
    folders = {"temporary folder": Path(tempfile.gettempdir())}
    if rt.settings.archive_url is None or rt.settings.signing_secret is None:
        folders["data folder"] = rt.settings.data_dir.absolute()
    return [await asyncio.to_thread(_folder, name, path) for name, path in folders.items()]


def _folder(name: str, path: Path) -> Finding:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(bytes(4096))
        free = shutil.disk_usage(path).free
    except OSError as error:
        return Finding(name, False, f"{path} cannot be written: {error.strerror}")
    enough = free >= _FREE_BYTES
    return Finding(name, enough, f"{path} can be written, {free / 2**30:.1f} GiB are free" + (
        "" if enough else ": make room"))  # fmt: skip


async def _archive(rt: VideoRuntime) -> list[Finding]:
    try:
        await rt.archive.check()
    except ArchiveError as error:
        return [Finding("archive", False, f"{error}: check REELGATE_ARCHIVE_URL and its access")]
    return [Finding("archive", True, f"{rt.settings.archive_address} writes, reads and deletes")]


async def _videos(rt: Runtime) -> list[Finding]:
    """What an operator has to decide about. Empty if the database cannot be read."""
    try:
        async with rt.db.single() as tx:
            if not (await schema_of(tx)).serves:
                return []
            unarchived = await assets.unarchived(tx)
    except (Unavailable, Fault):
        return []
    return [
        Finding(
            "videos", None, f"{unarchived[state].count} {state.value}: see `reelgate archive list`"
        )
        for state in (AssetState.SET_ASIDE, AssetState.LOST)
        if state in unarchived
    ]


async def _credits(rt: Runtime) -> list[Finding]:
    """What the upstream last said of its accounts. Empty if the database cannot be read."""
    try:
        async with rt.db.single() as tx:
            if not (await schema_of(tx)).serves:
                return []
            accounts = await upstream_watermarks.by_label(tx)
    except (Unavailable, Fault):
        return []
    return [
        Finding(
            f"credits of {label}",
            None if account.unexplained else True,
            f"{account.remaining} left, {_days(account.days_left)}" + (
                f"; in the last day, {account.unexplained} or more were used that the ledger does "
                f"not have: see `reelgate upstream credits {label}`" if account.unexplained else ""
            ),
        )
        for label, account in accounts.items()
    ]  # fmt: skip


def _days(left: float | None) -> str:
    return "not known for how long" if left is None else f"for {left:.1f} days at this pace"


async def _upstream(rt: Runtime, upstream: UpstreamClient) -> list[Finding]:
    findings = []
    through = ", REELGATE_UPSTREAM_PROXY" if rt.settings.upstream_proxy else ""
    for label in upstream.labels():
        found = await upstream.check_key(label)
        advice = {
            KeyCheck.OK: "the key is accepted",
            KeyCheck.REJECTED: "the key is refused: check ONEMIN_API_KEY",
            KeyCheck.UNREACHABLE: f"no answer: check the network{through} and ONEMIN_BASE_URL",
        }
        findings.append(Finding(f"upstream key {label}", found is KeyCheck.OK, advice[found]))
    if not findings:
        findings.append(Finding("upstream key", None, "ONEMIN_API_KEY is not set"))
    return findings
