"""Shares a video with people who have no key."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from app.db import audit, deletions, shares
from app.domain.assets import AssetState
from app.domain.caller import Caller
from app.domain.generation import Generation, State
from app.domain.sharing import MAX_SHARES, MIN_SECONDS, Share
from app.errors import Forbidden, InvalidRequest, Issue, NotFound, NotReady, VideoExpired
from app.generations.queries import get_visible
from app.runtime import ApiRuntime
from app.secrets import digest_of, make_share_secret

_FIELD = "expires_in_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A share with its link, at the only time that it is shown."""

    share: Share
    url: str = field(repr=False)


async def share(rt: ApiRuntime, caller: Caller, generation_id: UUID, *, seconds: int) -> Made:
    """Raises `NotFound`, `NotReady`, `VideoExpired`, `InvalidRequest`, and `Forbidden` where the
    operators allow no shares."""
    most = rt.settings.max_share_seconds
    generation = await get_visible(rt, caller, generation_id)
    if most == 0:
        raise Forbidden("The operators of this gateway allow no shares.")
    if not MIN_SECONDS <= seconds <= most:
        message = f"must be from {MIN_SECONDS} to {most}"
        raise InvalidRequest(
            f"{_FIELD} {message}.", issues=[Issue(_FIELD, "value", message, seconds)]
        )
    _require_video(generation)
    share_id, secret, now = uuid4(), make_share_secret(), rt.clock.for_database()
    async with rt.db.begin() as tx:
        await shares.lock_generation(tx, generation.id)
        # Whoever deletes the video waits for this, and deletes this share too; or is done by now.
        if not await deletions.has_video(tx, generation.id):
            raise VideoExpired()
        if len(await shares.list_shares(tx, generation.id, now=now)) >= MAX_SHARES:
            message = f"this video has {MAX_SHARES} shares, which is the limit; revoke one first"
            raise InvalidRequest(
                f"No share can be made: {message}.", issues=[Issue(_FIELD, "value", message)]
            )
        made = await shares.add(
            tx, share_id, generation.id, member_id=caller.member_id, key_id=caller.key_id,
            digest=digest_of(secret), seconds=seconds, now=now,
        )  # fmt: skip
        await audit.record(
            tx, caller.actor, "share.create", str(generation.id), share=str(made.id),
            expires_at=made.expires_at.isoformat(), team_id=generation.team_id,
        )  # fmt: skip
    url = f"{rt.settings.link_base}/media/shares/{made.id}.mp4?token={secret}"
    return Made(share=made, url=url)


async def list_shares(rt: ApiRuntime, caller: Caller, generation_id: UUID) -> list[Share]:
    """Raises `NotFound`."""
    await get_visible(rt, caller, generation_id)
    async with rt.db.single() as tx:
        return await shares.list_shares(tx, generation_id, now=rt.clock.for_database())


async def revoke(rt: ApiRuntime, caller: Caller, generation_id: UUID, share_id: UUID) -> None:
    """Raises `NotFound`, also where it has ended."""
    generation = await get_visible(rt, caller, generation_id)
    async with rt.db.begin() as tx:
        if not await shares.end(tx, share_id, generation.id):
            raise NotFound(f"There is no share {share_id} of this video.")
        await audit.record(
            tx, caller.actor, "share.revoke", str(generation.id), share=str(share_id),
            team_id=generation.team_id,
        )  # fmt: skip


async def get_shared(rt: ApiRuntime, share_id: UUID, secret: str) -> Generation:
    """Raises `NotFound`, whatever the reason is that the link opens nothing."""
    found = None
    if rt.settings.max_share_seconds > 0:
        async with rt.db.single() as tx:
            found = await shares.find_generation(
                tx, share_id, digest_of(secret), now=rt.clock.for_database()
            )
    if found is None:
        raise NotFound("There is no video at this address.")
    return found


def _require_video(generation: Generation) -> None:
    asset = generation.asset
    if generation.state is not State.SUCCEEDED or asset is None:
        raise NotReady(
            f"This generation is {generation.state}; there is no video to share.",
            extra={"state": generation.state.value},
        )
    if asset.state in (AssetState.DELETED, AssetState.LOST):
        raise VideoExpired(f"The video of this generation is {asset.state}.")
