"""Reading generations for every edge, and waiting for a result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from app.db import generation_reads, generations, ledger, queue_position
from app.db.queue_position import QueuePosition
from app.domain.assets import AssetState
from app.domain.caller import Caller, SentKey
from app.domain.generation import Generation, State
from app.domain.links import Links
from app.errors import NotFound, Unavailable
from app.runtime import ApiRuntime, Runtime
from app.secrets import IMAGE, THUMBNAIL, LinkSigner

#: How long a signed link is valid: seven days, like a link of the upstream.
LINK_SECONDS = 604_800
#: How many requests of one member may wait for a video in one API process: ten times a member's
#: default limit of open generations, and a fiftieth of what a process allows by default, so that no
#: member takes the places of all others.
MAX_WAITING_PER_MEMBER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A generation of the caller, and the used credits of its member."""

    generation: Generation
    used_credits: int


async def find_own(rt: Runtime, caller: Caller, generation_id: UUID) -> Own | None:
    """None for unknown ids and those of other people."""
    async with rt.db.single() as tx:
        generation = await generations.find_visible(
            tx, generation_id, member_id=caller.member_id, team_id=None
        )
        if generation is None:
            return None
        used = await ledger.used_by_member(tx, caller.member_id, now=rt.clock.for_database())
    return Own(generation=generation, used_credits=used)


def links(rt: ApiRuntime, generation: Generation) -> Links | None:
    """Signed links of ours, while the video exists."""
    return signed_links(rt, rt.signer, generation)


def signed_links(rt: Runtime, signer: LinkSigner, generation: Generation) -> Links | None:
    """The same, outside an API process."""
    asset = generation.asset
    if generation.state is not State.SUCCEEDED or asset is None:
        return None
    if asset.state not in (AssetState.PENDING, AssetState.ARCHIVED):
        return None
    now = rt.clock.now()
    return Links(
        video=signer.link(generation.id, now=now, seconds=LINK_SECONDS),
        thumbnail=signer.link(generation.id, now=now, seconds=LINK_SECONDS, ending=THUMBNAIL),
    )


def image_links(rt: Runtime, signer: LinkSigner, generation: Generation) -> dict[UUID, str]:
    """Signed links of ours to what it is made of, by the id of the input. A link opens nothing once
    the input is deleted."""
    now = rt.clock.now()
    return {
        use.input_id: signer.link(use.input_id, now=now, seconds=LINK_SECONDS, ending=IMAGE)
        for use in generation.inputs
    }


async def read_own(rt: Runtime, key: SentKey, generation_id: UUID | None) -> Generation:
    """The caller's own generation, in the one round trip that also says who calls. Otherwise raises
    `NotFound`, also for None, which is no id; or what `key` is refused with."""
    now = rt.clock.for_database()
    found = await generation_reads.find_own(rt.db, key.digest, generation_id, now=now)
    key.verified(found.caller)
    if found.generation is None:
        raise NotFound(f"There is no generation {generation_id or 'with this id'}.")
    return found.generation


async def read_own_and_used(
    rt: Runtime, key: SentKey, generation_id: UUID | None
) -> tuple[Caller, Own | None]:
    """The same, with the caller and what its member has used; None where there is none."""
    now = rt.clock.for_database()
    found = await generation_reads.find_own_and_used(rt.db, key.digest, generation_id, now=now)
    caller = key.verified(found.caller)
    if found.generation is None:
        return caller, None
    return caller, Own(generation=found.generation, used_credits=found.used_credits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """A generation, what it waits for while it is queued, and whether its reader marked it."""

    generation: Generation
    waiting: Waiting | None
    favorite: bool


async def read_visible(rt: Runtime, key: SentKey, generation_id: UUID) -> Visible:
    """A member's own generation, or any of the team for its administrators; in one round trip.
    Otherwise raises `NotFound`, or what `key` is refused with."""
    now = rt.clock.for_database()
    found = await generation_reads.find_of_team(rt.db, key.digest, generation_id, now=now)
    caller, generation = key.verified(found.caller), found.generation
    if generation is None or not (caller.is_admin or generation.member_id == caller.member_id):
        raise NotFound(f"There is no generation {generation_id}.")
    waiting = None if found.queue is None else _waiting(rt, found.queue)
    return Visible(generation=generation, waiting=waiting, favorite=found.favorite)


async def get_visible(rt: Runtime, caller: Caller, generation_id: UUID) -> Generation:
    """A member's own generation, or any of the team for its administrators. Otherwise raises
    `NotFound`."""
    async with rt.db.single() as tx:
        generation = await generations.find_visible(
            tx,
            generation_id,
            member_id=caller.member_id,
            team_id=caller.team_id if caller.is_admin else None,
        )
    if generation is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return generation


async def get_own(rt: Runtime, caller: Caller, generation_id: UUID) -> Generation:
    """The caller's own generation, whichever dialect created it. Otherwise raises `NotFound`."""
    async with rt.db.single() as tx:
        generation = await generations.find_visible(
            tx, generation_id, member_id=caller.member_id, team_id=None
        )
    if generation is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a queued generation has not been sent. `reason` is `queue`, `paused` or
    `upstream_unavailable`; `retry_after_seconds` says when to check again."""

    position: int | None
    reason: str
    retry_after_seconds: float


#: When to check again: if it only waits for its turn, and if it waits for an operator.
_TURN_SECONDS = 5.0
_PAUSE_SECONDS = 60.0


async def waiting_of(rt: Runtime, generation: Generation) -> Waiting | None:
    """What a queued generation waits for; None in every other state."""
    if generation.state is not State.QUEUED:
        return None
    async with rt.db.single() as tx:
        found = await queue_position.queue_position_of(tx, generation.id)
    return _waiting(rt, found)


def _waiting(rt: Runtime, found: QueuePosition) -> Waiting:
    reason, wait = "queue", _TURN_SECONDS
    if found.paused:
        reason, wait = "paused", _PAUSE_SECONDS
    elif found.keys and not found.usable_keys:
        back = found.keys_back_at
        left = (back - rt.clock.now()).total_seconds() if back else _PAUSE_SECONDS
        reason, wait = "upstream_unavailable", max(left, _TURN_SECONDS)
    return Waiting(position=found.position, reason=reason, retry_after_seconds=wait)


async def wait_until_closed(
    rt: ApiRuntime,
    caller: Caller,
    generation_id: UUID,
    *,
    seconds: float,
    gone: Callable[[], Awaitable[None]],
) -> bool:
    """Waits until the generation is closed, the time is over, the process stops, the key or session
    ends, or `gone` returns because the caller disconnected. None of them affects the generation.
    Also False if too many wait, or the database is away: the generation is accepted, and no error
    may hide that."""
    mine = rt.waiting_by_member
    if (
        seconds <= 0
        or rt.watch.waiting >= rt.settings.max_waiting
        or mine[caller.member_id] >= MAX_WAITING_PER_MEMBER
    ):
        return False
    mine[caller.member_id] += 1
    waiting = asyncio.ensure_future(rt.watch.until_closed(generation_id, seconds=seconds))
    leaving = asyncio.ensure_future(gone())
    try:
        with rt.keys.attached(caller.lasts_with, leaving.cancel):
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and waiting.result()
    except Unavailable:
        return False
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)
        mine[caller.member_id] -= 1
        if not mine[caller.member_id]:
            del mine[caller.member_id]
