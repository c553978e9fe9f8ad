"""Keeps what a member uploads: checked, in the archive, once for each team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from uuid import UUID, uuid4

from app.db import inputs
from app.db.faults import Conflict
from app.domain.caller import Caller
from app.domain.inputs import Image, Input, InputState, archive_path, clean_name
from app.errors import InvalidRequest, Issue, NotFound, PayloadTooLarge, Unavailable
from app.inputs.images import NotAnImage
from app.inputs.spool import Spool
from app.runtime import ApiRuntime
from app.telemetry import logger
from app.videos.decoder import DecoderEnded, DecoderUnavailable
from app.videos.store import ArchiveError

log = logger(__name__)

#: After this time an upload that never ended is over.
_PENDING = timedelta(hours=1)


def refused(field: str, message: str) -> InvalidRequest:
    """`message` goes on after the name of the field."""
    return InvalidRequest(f"{field} {message}.", issues=[Issue(field, "value", message)])


async def keep(rt: ApiRuntime, caller: Caller, spool: Spool, *, field: str) -> Input:
    """The input of what was received: a new one, or the member's own with the same bytes.

    An image that has to be turned to be shown is kept as it is shown, since nobody can know whether
    the upstream turns it. `field` is what the caller calls it. Raises `InvalidRequest`,
    `PayloadTooLarge` and `Unavailable`.
    """
    image = await _inspected(rt, spool, field)
    now = rt.clock.now()
    expires_at = now + timedelta(hours=rt.settings.unused_input_hours)
    made = Input(
        id=uuid4(), team_id=caller.team_id, member_id=caller.member_id, state=InputState.PENDING,
        name=clean_name(spool.name), sha256=spool.sha256, content_type=image.content_type,
        path=archive_path(caller.team_id, spool.sha256, image.content_type, token=token_hex(4)),
        size_bytes=spool.size, width=image.width, height=image.height, created_at=now,
        expires_at=now + _PENDING,
    )  # fmt: skip
    async with rt.db.begin() as tx:
        await inputs.lock_member(tx, caller.member_id)
        same = await inputs.find_same(
            tx, member_id=caller.member_id, sha256=made.sha256, expires_at=expires_at
        )
        if same is not None:
            return same
        used, most = (
            await inputs.count_unused_bytes(tx, caller.member_id), rt.settings.unused_input_bytes
        )  # fmt: skip
        if used + made.size_bytes > most:
            raise PayloadTooLarge(
                f"Your images that no generation uses have {used} bytes, and may have {most}; "
                "delete some, or wait until they expire.",
                extra={"limit": "unused_input_bytes", "limit_value": most, "used_value": used},
            )
        shared = await inputs.find_path_in_team(tx, team_id=made.team_id, sha256=made.sha256)
        if shared is not None:
            made = replace(made, state=InputState.READY, path=shared, expires_at=expires_at)
        await inputs.insert(tx, made)
    if made.state is InputState.READY:
        return made
    await _archive(rt, made, spool)
    return await _finished(rt, replace(made, state=InputState.READY, expires_at=expires_at))


async def _inspected(rt: ApiRuntime, spool: Spool, field: str) -> Image:
    """What it is; turned, if that is needed. Raises `InvalidRequest` and `Unavailable`."""
    if spool.size == 0:
        raise refused(field, "must not be empty")
    try:
        image = await rt.decoder.image(spool.path)
        if image.turned:
            await spool.replace(await rt.decoder.upright(spool.path, image.content_type))
    except NotAnImage as error:
        raise refused(field, f"is no image that can be used: {error}") from None
    except DecoderEnded as error:
        # It took the process down that read it, so nobody reads it again.
        rt.metrics.decoder_ended.inc()
        log.error("decoder_ended", sha256=spool.sha256, why=str(error))
        raise refused(field, "is no image that can be used: it cannot be read") from None
    except (DecoderUnavailable, OSError) as error:
        raise Unavailable("Images cannot be checked at the moment.") from error
    return image


async def _archive(rt: ApiRuntime, made: Input, spool: Spool) -> None:
    """Raises `Unavailable`; then upkeep removes what there is of it."""
    assert made.path is not None
    try:
        await rt.archive.write(made.path, spool.blocks(), max_bytes=spool.size)
    except ArchiveError as error:
        log.error("input_not_archived", input_id=str(made.id), error=str(error))
        async with rt.db.single() as tx:
            await inputs.delete(tx, [made.id])
        raise Unavailable("The image could not be stored.", retry_after_seconds=5) from None


async def _finished(rt: ApiRuntime, made: Input) -> Input:
    try:
        async with rt.db.begin() as tx:
            # Whoever looks for the same bytes in the meantime finds them everywhere or nowhere.
            await inputs.lock_member(tx, made.member_id)
            if await inputs.mark_ready(tx, made.id, expires_at=made.expires_at):
                return made
    except Conflict:
        # The same bytes of the same member came twice at the same time, and the other was first.
        async with rt.db.begin() as tx:
            await inputs.delete(tx, [made.id])
            same = await inputs.find_same(
                tx, member_id=made.member_id, sha256=made.sha256, expires_at=made.expires_at
            )
        if same is not None:
            return same
    else:
        # Upkeep deleted it meanwhile, perhaps before it was written.
        assert made.path is not None
        await rt.archive.delete(made.path)
    raise Unavailable("The image could not be stored.", retry_after_seconds=1)


async def get_visible(rt: ApiRuntime, caller: Caller, input_id: UUID) -> Input:
    """An input of the caller or, for administrators, of its team. Raises `NotFound`."""
    found = await find_visible(rt, caller, [input_id])
    if not found:
        raise NotFound(f"There is no input {input_id}.")
    return found[0]


async def find_visible(rt: ApiRuntime, caller: Caller, ids: Sequence[UUID]) -> list[Input]:
    """Those of `ids` that the caller may see, in no order."""
    async with rt.db.single() as tx:
        return await inputs.find_all_visible(
            tx, ids, team_id=caller.team_id,
            member_id=None if caller.is_admin else caller.member_id,
        )  # fmt: skip
