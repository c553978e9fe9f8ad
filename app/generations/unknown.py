"""Resolves generations whose outcome is unknown, by what an operator found out."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from app.db import assets, audit, generations, jobs, transitions
from app.db.faults import Conflict
from app.db.managed_generations import Details, unknown_details
from app.db.session import Tx
from app.db.transitions import Work
from app.domain.assets import Probe, Stored
from app.domain.authority import Actor
from app.domain.generation import FailureCode, Generation, State, video_path
from app.domain.operators import Effect, Outcome, effects
from app.domain.storage_keys import storage_keys
from app.errors import InvalidRequest, Issue, NotFound, NotUnknown, Unavailable
from app.fetch import FetchError, GuardedFetcher, Refused
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import Runtime, VideoRuntime
from app.videos.decoder import DecoderEnded, DecoderUnavailable
from app.videos.mp4 import HEAD_BYTES, NotAVideo, begins_like_one
from app.videos.probe import mismatch
from app.videos.store import ArchiveError

_READ_BYTES = 1_048_576
#: How long a link may take to deliver the beginning of its file.
_LOOK_SECONDS = 30.0
#: The upstream's ids are UUIDs; anything that can be part of a path is accepted.
_UPSTREAM_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An unknown generation, and what each outcome would do with its credits."""

    details: Details
    effects: list[Effect]

    @property
    def id(self) -> UUID:
        return self.details.id

    @property
    def created_at(self) -> datetime:
        return self.details.created_at


async def unresolved(
    rt: Runtime,
    *,
    actor: Actor,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Unresolved]:
    """Of the actor's team, for operators of every team; oldest first. Raises `Forbidden`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await unknown_details(tx, team_id=actor.only_team, after=after, limit=limit)
    return [Unresolved(details, effects(details.generation.quote)) for details in found]


async def resolve(
    rt: VideoRuntime,
    generation_id: UUID,
    outcome: Outcome,
    *,
    reason: str,
    actor: str,
    link: str | None = None,
    file: Path | None = None,
    upstream_id: str | None = None,
    downloads: GuardedFetcher | None = None,
) -> Generation:
    """Resolves an unknown generation, with an audit line; returns the generation afterwards.

    `delivered` takes the video from `link`, on a host that `downloads` allows, or from `file`.
    `found` takes `upstream_id`; the generation stays unknown until the upstream has been polled.
    Raises `NotFound`, `NotUnknown`, `InvalidRequest`.
    """
    Actor(name=actor, reason=reason).require_reason("to resolve a generation")
    given = (link is not None) + (file is not None)
    if given != (outcome is Outcome.DELIVERED):
        message = "give one link or file with `delivered`, and none with the others"
        raise InvalidRequest(f"{message}.", issues=[Issue("link", "value", message)])
    if (upstream_id is not None) != (outcome is Outcome.FOUND):
        message = "give an upstream id with `found`, and none with the others"
        raise InvalidRequest(f"{message}.", issues=[Issue("upstream_id", "value", message)])
    if upstream_id is not None:
        return await _look_up(rt, generation_id, upstream_id, reason=reason, actor=actor)
    if link is not None:
        assert downloads is not None
        _permit(downloads, link)
        await _get_unknown(rt, generation_id)
        await _see_a_video(downloads, link)
    stored = (
        None if file is None else await _take_in(rt, await _get_unknown(rt, generation_id), file)
    )
    try:
        async with lifecycle.begin(rt) as transaction:
            tx = transaction.tx
            work = await transitions.find_work(tx, generation_id, lock=True)
            unknown = _must_be_unknown(work, generation_id)
            await _end(rt, transaction, unknown, outcome, link, stored)
            generation = await _get(tx, generation_id)
            await audit.record(
                tx, actor, "unknown.resolve", str(generation_id), outcome=outcome.value,
                reason=reason, team_id=generation.team_id,
            )  # fmt: skip
            return generation
    except NotUnknown:
        # Somebody else, or a late answer, resolved it first, so no row will ever name this file.
        if stored is not None:
            with contextlib.suppress(ArchiveError):
                await rt.archive.delete(stored[0].path)
        raise


async def _look_up(
    rt: Runtime, generation_id: UUID, upstream_id: str, *, reason: str, actor: str
) -> Generation:
    if not _UPSTREAM_ID.fullmatch(upstream_id):
        raise _not_a_record("it is not an id of the upstream")
    key_ids = await rt.register_upstream_keys()
    try:
        async with lifecycle.begin(rt) as transaction:
            tx = transaction.tx
            work = _must_be_unknown(
                await transitions.find_work(tx, generation_id, lock=True), generation_id
            )
            key_id = work.upstream_key_id
            if key_id is None:
                # As far as this database knows, it was never sent. Only with a single key is it
                # clear whose record it is.
                if len(key_ids) != 1:
                    raise _not_a_record("it is not known which upstream key to poll with")
                (key_id,) = key_ids.values()
            await lifecycle.poll_record(
                transaction, work, upstream_id=upstream_id, upstream_key_id=key_id,
                now=rt.clock.now(),
            )  # fmt: skip
            if work.upstream_id is not None:
                # Its next poll, for its previous id, may be hours away.
                await jobs.run_now(tx, jobs.Job.POLL, generation_id)
            generation = await _get(tx, generation_id)
            await audit.record(
                tx, actor, "unknown.resolve", str(generation_id), outcome=Outcome.FOUND.value,
                upstream_id=upstream_id, reason=reason, team_id=generation.team_id,
            )  # fmt: skip
            return generation
    except Conflict:
        raise _not_a_record("another generation has this record") from None


async def _get(tx: Tx, generation_id: UUID) -> Generation:
    """Read in the transaction that changed it, so that nothing can fail after the commit."""
    generation = await generations.find(tx, generation_id)
    assert generation is not None
    return generation


def _not_a_record(why: str) -> InvalidRequest:
    return InvalidRequest(f"upstream_id: {why}.", issues=[Issue("upstream_id", "value", why)])


async def _end(
    rt: Runtime,
    transaction: Transaction,
    work: Work,
    outcome: Outcome,
    link: str | None,
    stored: tuple[Stored, Probe] | None,
) -> None:
    now = rt.clock.now()
    if outcome is Outcome.DELIVERED:
        await lifecycle.succeed(
            transaction, work, attempt=None, upstream_id=None, paths=storage_keys([link or ""]),
            link=link, now=now,
        )  # fmt: skip
        if stored is not None:
            file, seen = stored
            await assets.mark_archived(
                transaction.tx, work.id, file, seen, mismatch=mismatch(work.spec, seen)
            )
    elif outcome is Outcome.NOT_MADE:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.NOT_MADE, now=now,
            message="An operator found that it was never made; nothing was charged.",
        )  # fmt: skip
    else:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.LOST, now=now,
            billed_credits=work.quote,
            message="An operator found that it was charged and its video is not available.",
        )  # fmt: skip


def _permit(downloads: GuardedFetcher, link: str) -> None:
    try:
        downloads.permit(link)
    except Refused as error:
        raise _bad_link(str(error).rstrip(".")) from None


async def _see_a_video(downloads: GuardedFetcher, link: str) -> None:
    """Refuses a link that yields no video now: it would end the generation for good, and nobody
    could give the right link any more."""
    seen = b""
    try:
        async with asyncio.timeout(_LOOK_SECONDS), downloads.stream(link) as response:
            if response.status_code != 200:
                raise _bad_link(f"it is answered with status {response.status_code}")
            async for chunk in response.aiter_raw():
                seen += chunk
                if len(seen) >= HEAD_BYTES:
                    break
    except (FetchError, TimeoutError) as error:
        raise _bad_link(f"it cannot be followed now: {_why(error)}") from None
    if not begins_like_one(seen):
        raise _bad_link("it does not lead to an MP4 file")


def _why(error: FetchError | TimeoutError) -> str:
    return "timeout" if isinstance(error, TimeoutError) else getattr(error, "reason", "refused")


def _bad_link(why: str) -> InvalidRequest:
    return InvalidRequest(f"link: {why}.", issues=[Issue("link", "value", why)])


def _must_be_unknown(work: Work | None, generation_id: UUID) -> Work:
    if work is None:
        raise NotFound(f"There is no generation {generation_id}.")
    if work.state is not State.UNKNOWN:
        raise NotUnknown(
            f"Only an unknown generation can be resolved; this one is {work.state}.",
            extra={"state": work.state.value},
        )
    return work


async def _get_unknown(rt: Runtime, generation_id: UUID) -> Work:
    async with rt.db.single() as tx:
        return _must_be_unknown(await transitions.find_work(tx, generation_id), generation_id)


async def _take_in(rt: VideoRuntime, work: Work, file: Path) -> tuple[Stored, Probe]:
    """Puts the file into the archive before any row names it. After a crash the generation is still
    unknown."""
    try:
        seen = await rt.decoder.probe(file)
    except (NotAVideo, OSError, DecoderEnded) as error:
        raise InvalidRequest(
            f"file: {error}", issues=[Issue("file", "value", str(error))]
        ) from None
    except DecoderUnavailable as error:
        raise Unavailable(f"The file cannot be read: {error}.") from None
    try:
        stored = await rt.archive.write(
            video_path(work.id, work.created_at, token=token_hex(4)),
            _chunks(file),
            max_bytes=rt.settings.max_video_bytes,
        )
    except ArchiveError as error:
        raise Unavailable(f"The archive did not accept it: {error}") from None
    return stored, seen


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := await asyncio.to_thread(opened.read, _READ_BYTES):
            yield chunk
