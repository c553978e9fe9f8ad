"""Looking at one's own generations: reads for every edge, and the wait for a result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from app.db import generations, ledger
from app.domain.caller import Caller
from app.domain.generation import RESTING, Generation, State
from app.domain.view import OwnView
from app.errors import NotFound
from app.runtime import Runtime


async def own_view(rt: Runtime, caller: Caller, generation_id: UUID) -> OwnView | None:
    """The caller's own generation with its standing; None for unknown and other people's ids."""
    async with rt.db.single() as tx:
        generation = await generations.find_visible(
            tx, generation_id, member_id=caller.member_id, team_id=None
        )
        if generation is None:
            return None
        used = await ledger.used_by_member(tx, caller.member_id)
    return view_of(rt, caller, generation, used_credits=used)


def view_of(rt: Runtime, caller: Caller, generation: Generation, *, used_credits: int) -> OwnView:
    return OwnView(
        generation=generation,
        caller=caller,
        used_credits=used_credits,
        link=video_link(rt, generation),
    )


def video_link(rt: Runtime, generation: Generation) -> str | None:
    """A signed link of ours while the video can be had."""
    asset = generation.asset
    if generation.state is not State.SUCCEEDED or asset is None:
        return None
    if asset.state not in ("pending", "archived"):
        return None
    return rt.signer.link(generation.id, now=rt.clock.now(), seconds=rt.settings.link_seconds)


async def get_visible(rt: Runtime, caller: Caller, generation_id: UUID) -> Generation:
    """A member's own generation; an administrator's team's. Raises `NotFound` for all else."""
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


async def wait_for_rest(
    rt: Runtime,
    generation_id: UUID,
    *,
    seconds: float,
    gone: Callable[[], Awaitable[None]],
) -> bool:
    """Waits until the generation rests, the time is over, the process stops or `gone` returns: the
    caller hung up, which changes nothing for the generation. False also where too many wait."""
    if seconds <= 0 or rt.watch.waiting >= rt.settings.max_waiting:
        return False
    waiting = asyncio.ensure_future(rt.watch.until_resting(generation_id, seconds=seconds))
    leaving = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and waiting.result()
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)


def rests(generation: Generation) -> bool:
    return generation.state in RESTING
