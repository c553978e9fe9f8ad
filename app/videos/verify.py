"""Compares the archive with the records, and copies it to another store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import PurePosixPath
from uuid import UUID, uuid4

from app.db import assets, audit, inputs, jobs, teams
from app.db.assets import Kept
from app.db.inputs import KeptInput
from app.domain.assets import AssetState
from app.domain.inputs import FOLDER, InputState
from app.errors import ConfigurationError, InvalidRequest, NotFound, Unavailable
from app.runtime import VideoRuntime
from app.videos.store import Archive, ArchiveError, ArchiveUnavailable, Gone

_PAGE = 200
#: States of a video whose bytes may still be needed.
_WANTED = frozenset({AssetState.PENDING, AssetState.ARCHIVED, AssetState.SET_ASIDE})
#: The same of inputs, in the words of videos.
_OF_INPUT = {
    InputState.PENDING: AssetState.PENDING,
    InputState.READY: AssetState.ARCHIVED,
    InputState.DELETED: AssetState.DELETED,
}
_File = Kept | KeptInput
#: How many bad files a report names; the counts go on.
MAX_NAMED = 50


class Verdict(StrEnum):
    OK = "ok"
    #: Copied by this run or an earlier one.
    COPIED = "copied"
    PRESENT = "present"
    #: Deleted meanwhile by its owner or its team's retention, so it does not matter.
    DROPPED = "dropped"
    MISSING = "missing"
    CHANGED = "changed"
    #: The store could not read or write it; the file may be sound.
    UNREADABLE = "unreadable"
    UNWRITTEN = "unwritten"


BAD = frozenset({Verdict.MISSING, Verdict.CHANGED, Verdict.UNREADABLE, Verdict.UNWRITTEN})


@dataclass(slots=True)
class Report:
    """The count of every verdict, and the first bad files with their verdicts."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    bad: list[tuple[str, Verdict]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not any(self.counts[verdict] for verdict in BAD)

    def add(self, path: str, verdict: Verdict) -> None:
        self.counts[verdict] += 1
        if verdict in BAD and len(self.bad) < MAX_NAMED:
            self.bad.append((path, verdict))


async def verify(
    rt: VideoRuntime, *, team: str | None = None, since_days: int | None = None
) -> Report:
    """Reads every archived file and compares its size and hash with the record. Raises `NotFound`
    for an unknown team."""
    return await _each(rt, lambda kept: _examine(rt, kept), team=team, since_days=since_days)


async def find_orphans(rt: VideoRuntime) -> list[str]:
    """Files in the archive that no row names. Raises `Unavailable`."""
    found: list[str] = []
    try:
        async with aclosing(rt.archive.paths()) as pages:
            async for page in pages:
                states = await _states_of(rt, page)
                found += [path for path in page if states.get(path) not in _WANTED]
    except ArchiveError as error:
        raise Unavailable(f"The archive cannot be listed: {error}.") from None
    return found


async def move(
    rt: VideoRuntime,
    *,
    to: str,
    source: str | None = None,
    delete_source: bool = False,
    actor: str,
) -> Report:
    """Copies every archived file from the archive in use, or `source`, to the store `to`.

    Skips files that are there already with the right size and hash. Removes copies of videos that
    were deleted meanwhile. With `delete_source`, deletes each file from the source once its copy
    has been read back and is right. Raises `InvalidRequest` if that would delete the files of a
    running gateway, and `Unavailable` if a store cannot be used at all.
    """
    origin, target = rt.archive if source is None else _open(source), _open(to)
    if await _same_store(origin, target):
        raise InvalidRequest("Both addresses are the same store.")
    if delete_source:
        await _refuse_while_used(rt, origin)
    async with rt.db.begin() as tx:
        # Before the first file: a run that is killed has done something too.
        await audit.record(
            tx, actor, "archive.move", to, team_id=None, source=source or "the archive in use",
            delete_source=delete_source,
        )  # fmt: skip
    report = await _each(rt, lambda kept: _carry(rt, kept, origin, target, delete_source))
    for store in (target, origin) if delete_source else (target,):
        await _drop_deleted(rt, store)
    return report


async def _each(
    rt: VideoRuntime,
    act: Callable[[_File], Awaitable[Verdict]],
    *,
    team: str | None = None,
    since_days: int | None = None,
) -> Report:
    """What the archive should hold, page by page, a few files at a time."""
    team_id = await _team_id(rt, team)
    since = None if since_days is None else rt.clock.now() - timedelta(days=since_days)
    report, limit = Report(), asyncio.Semaphore(rt.settings.archive_concurrency)

    async def one(kept: _File) -> None:
        async with limit:
            report.add(kept.path, await act(kept))

    for pages in (_videos(rt, team_id, since), _inputs(rt, team_id, since)):
        async with aclosing(pages):
            async for page in pages:
                await asyncio.gather(*(one(kept) for kept in page))
    return report


async def _videos(
    rt: VideoRuntime, team_id: UUID | None, since: datetime | None
) -> AsyncGenerator[Sequence[_File], None]:
    after = 0
    while True:
        async with rt.db.single() as tx:
            page = await assets.list_kept(
                tx, after=after, limit=_PAGE, team_id=team_id, archived_from=since
            )
        if not page:
            return
        yield page
        after = page[-1].id


async def _inputs(
    rt: VideoRuntime, team_id: UUID | None, since: datetime | None
) -> AsyncGenerator[Sequence[_File], None]:
    after = ""
    while True:
        async with rt.db.single() as tx:
            page = await inputs.list_kept(
                tx, after=after, limit=_PAGE, team_id=team_id, created_from=since
            )
        if not page:
            return
        yield page
        after = page[-1].path


async def _team_id(rt: VideoRuntime, team: str | None) -> UUID | None:
    if team is None:
        return None
    async with rt.db.single() as tx:
        team_id = await teams.find_team_id(tx, team)
    if team_id is None:
        raise NotFound(f"There is no team {team}.")
    return team_id


async def _examine(rt: VideoRuntime, kept: _File) -> Verdict:
    try:
        verdict = await _compare(rt.archive, kept)
    except ArchiveError:
        return Verdict.UNREADABLE
    return verdict if verdict is Verdict.OK or await _still_kept(rt, kept) else Verdict.DROPPED


async def _compare(archive: Archive, kept: _File) -> Verdict:
    """Raises `ArchiveUnavailable`."""
    size = await archive.size(kept.path)
    if size is None:
        return Verdict.MISSING
    if size != kept.size_bytes:
        return Verdict.CHANGED
    try:
        same = await archive.sha256(kept.path) == kept.sha256
    except Gone:
        return Verdict.MISSING
    return Verdict.OK if same else Verdict.CHANGED


async def _still_kept(rt: VideoRuntime, kept: _File) -> bool:
    async with rt.db.single() as tx:
        if isinstance(kept, KeptInput):
            return await inputs.is_kept(tx, kept)
        return await assets.is_kept(tx, kept)


async def _carry(
    rt: VideoRuntime, kept: _File, origin: Archive, target: Archive, delete_source: bool
) -> Verdict:
    try:
        verdict = Verdict.PRESENT
        if await _compare(target, kept) is not Verdict.OK:
            verdict = await _copy(kept, origin, target)
        if not await _still_kept(rt, kept):
            # Deleted while it was being copied: the copy must not outlive it.
            await target.delete(kept.path)
            return Verdict.DROPPED
        if delete_source and verdict not in BAD:
            await origin.delete(kept.path)
    except ArchiveError:
        return Verdict.UNWRITTEN
    return verdict


class _Changed(Exception):
    """The source's bytes are not those of the record."""


async def _copy(kept: _File, origin: Archive, target: Archive) -> Verdict:
    try:
        await target.write(kept.path, _checked(kept, origin), max_bytes=kept.size_bytes)
    except Gone:
        return Verdict.MISSING
    except _Changed:
        return Verdict.CHANGED
    return Verdict.COPIED if await _compare(target, kept) is Verdict.OK else Verdict.UNWRITTEN


async def _checked(kept: _File, origin: Archive) -> AsyncGenerator[bytes, None]:
    """The source's bytes. Raises `_Changed` before the last ones, so that the target never gets a
    wrong file."""
    if await origin.size(kept.path) not in (None, kept.size_bytes):
        raise _Changed
    digest = sha256()
    async with aclosing(origin.read(kept.path, 0, kept.size_bytes)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(digest.update, block)
            yield block
    if digest.hexdigest() != kept.sha256:
        raise _Changed


async def _drop_deleted(rt: VideoRuntime, store: Archive) -> None:
    """Removes files of videos that have been deleted. Raises `Unavailable`."""
    try:
        async with aclosing(store.paths()) as pages:
            async for page in pages:
                states = await _states_of(rt, page)
                for path in page:
                    if states.get(path) == AssetState.DELETED:
                        await store.delete(path)
    except ArchiveError as error:
        raise Unavailable(f"A store cannot be cleaned up: {error}.") from None


async def _states_of(rt: VideoRuntime, paths: list[str]) -> dict[str, str]:
    """The state of the video that each path belongs to, by the id in its name; `superseded` if the
    video is archived under another path. Those of inputs are found by their path."""
    ids: dict[str, UUID] = {}
    for path in paths:
        with suppress(ValueError):
            ids[path] = UUID(PurePosixPath(path).name.split(".")[0])
    of_inputs = [path for path in paths if path.startswith(f"{FOLDER}/")]
    async with rt.db.single() as tx:
        files = await assets.video_files(tx, ids.values())
        uploaded = await inputs.states_of(tx, of_inputs) if of_inputs else {}
    known = {path: files[found] for path, found in ids.items() if found in files}
    return {
        path: "superseded" if state is AssetState.ARCHIVED and recorded != path else state
        for path, (state, recorded) in known.items()
    } | {path: _OF_INPUT[state] for path, state in uploaded.items()}


def _open(address: str) -> Archive:
    try:
        return Archive.open(address)
    except ConfigurationError as error:
        raise InvalidRequest(str(error)) from None


async def _same_store(one: Archive, other: Archive) -> bool:
    """Whether both are one store, even if their addresses are written differently."""
    path = f"reelgate-check-{uuid4().hex}"
    try:
        await other.write(path, _a_few_bytes(), max_bytes=8)
        try:
            return await one.size(path) is not None
        finally:
            await other.delete(path)
    except ArchiveUnavailable as error:
        raise Unavailable(f"A store cannot be used: {error}.") from None


async def _a_few_bytes() -> AsyncIterator[bytes]:
    yield b"reelgate"


async def _refuse_while_used(rt: VideoRuntime, origin: Archive) -> None:
    async with rt.db.single() as tx:
        seen = await jobs.worker_seen_seconds(tx)
    working = seen is not None and seen < rt.settings.worker_stalled_seconds
    if working and await _same_store(origin, rt.archive):
        raise InvalidRequest(
            "A worker still uses that store. Stop the gateway first; or set REELGATE_ARCHIVE_URL "
            "to the new store, start the gateway again, and name the old one with --from."
        )
