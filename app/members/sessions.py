"""A member's signed-in browsers: which there are, and ending one."""

from __future__ import annotations

from uuid import UUID

from app.db import audit, sessions
from app.db.sessions import ListedSession
from app.domain.caller import Caller
from app.errors import NotFound
from app.runtime import Runtime


async def list_sessions(rt: Runtime, caller: Caller) -> list[ListedSession]:
    """The one that was used last first."""
    async with rt.db.single() as tx:
        return await sessions.of_member(
            tx, caller.member_id, idle_seconds=rt.settings.session_idle_seconds,
            now=rt.clock.for_database(),
        )  # fmt: skip


async def end_session(rt: Runtime, caller: Caller, session_id: UUID) -> None:
    """Raises `NotFound`, also for another member's."""
    async with rt.db.begin() as tx:
        if not await sessions.end(tx, session_id, member_id=caller.member_id):
            raise NotFound(f"You have no session {session_id} that is still signed in.")
        await audit.record(
            tx, caller.actor, "session.end", caller.actor, team_id=caller.team_id,
            session=str(session_id),
        )  # fmt: skip
