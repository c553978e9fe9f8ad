"""Signing in: a person proves who it is, and its browser gets a session."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from fastapi import Request

from app.db import api_keys, audit, sessions
from app.db.session import Tx
from app.domain.caller import Caller
from app.domain.sessions import Method, Session
from app.errors import Forbidden, GatewayError, Unauthenticated
from app.http.access import PresentedKey, given_key
from app.http.middleware import ADDRESS
from app.runtime import ApiRuntime
from app.secrets import digest_of, make_session_secret, prefix_of
from app.telemetry import logger
from app.web import cookies
from app.web.attempts import Attempts

log = logger(__name__)

#: Browsers describe themselves at length.
_BROWSER_CHARACTERS = 300


async def by_key(rt: ApiRuntime, request: Request, key: str, attempts: Attempts) -> str:
    """The secret of a new session. Raises `Unauthenticated`, `Forbidden` where the key may not be
    used from this address, and `RateLimited`."""
    prefix = prefix_of(key)
    address = request.scope.get(ADDRESS)
    attempts.check(address, prefix)
    try:
        async with rt.db.begin() as tx:
            caller = await _owner(rt, tx, request, key)
            return await open_session(rt, tx, request, caller, Method.KEY)
    except (Unauthenticated, Forbidden) as error:
        _refused(attempts, request, prefix, error)
        raise


async def by_link(rt: ApiRuntime, request: Request, link: str, attempts: Attempts) -> str:
    """The same. The link opens nothing afterwards."""
    attempts.check(request.scope.get(ADDRESS), None)
    now = rt.clock.for_database()
    try:
        async with rt.db.begin() as tx:
            key_id = await sessions.use_link(tx, digest_of(link), now=now)
            found = key_id and await api_keys.find_caller_of_key(tx, key_id, now=now)
            if not found:
                raise Unauthenticated("This link was used, or is too old: sign in with a key.")
            caller = PresentedKey(request, found.key_prefix, b"").identified(found)
            return await open_session(rt, tx, request, caller, Method.LINK)
    except (Unauthenticated, Forbidden) as error:
        _refused(attempts, request, None, error)
        raise


async def again(
    rt: ApiRuntime, request: Request, session: Session, key: str, attempts: Attempts
) -> None:
    """The person of this session proves who it is once more, with any key of its member. Raises
    what `by_key` raises."""
    prefix = prefix_of(key)
    attempts.check(request.scope.get(ADDRESS), prefix)
    now = rt.clock.for_database()
    try:
        async with rt.db.begin() as tx:
            caller = await _owner(rt, tx, request, key)
            own = await api_keys.find_caller_of_key(tx, session.key_id, now=now)
            if own is None or own.member_id != caller.member_id:
                raise Forbidden("This is the key of another member than the one that is signed in.")
            await sessions.prove(tx, session.id, now=now)
            await _record(tx, caller, "session.renew", session.id)
    except (Unauthenticated, Forbidden) as error:
        _refused(attempts, request, prefix, error)
        raise


async def sign_out(rt: ApiRuntime, request: Request, session: Session) -> None:
    async with rt.db.begin() as tx:
        caller = await api_keys.find_caller_of_key(tx, session.key_id, now=rt.clock.for_database())
        if caller is not None and await sessions.end(tx, session.id, member_id=caller.member_id):
            PresentedKey(request, caller.key_prefix, b"").identified(caller)
            await _record(tx, caller, "session.end", session.id)


async def _owner(rt: ApiRuntime, tx: Tx, request: Request, key: str) -> Caller:
    presented = given_key(request, key)
    now = rt.clock.for_database()
    return presented.identified(await api_keys.find_caller(tx, presented.digest, now=now))


async def open_session(
    rt: ApiRuntime,
    tx: Tx,
    request: Request,
    caller: Caller,
    method: Method,
    *,
    proved_at: datetime | None = None,
    **detail: str,
) -> str:
    """The secret of a new session of somebody who has just proved who it is, or did at
    `proved_at`. It replaces the one that the browser had."""
    await _end_former(rt, tx, request)
    secret, session_id = make_session_secret(), uuid4()
    address = request.scope.get(ADDRESS)
    await sessions.begin(
        tx, session_id, key_id=caller.key_id, digest=digest_of(secret), method=method,
        address=None if address is None else str(address),
        browser=request.headers.get("user-agent", "")[:_BROWSER_CHARACTERS] or None,
        seconds=rt.settings.session_seconds, proved_at=proved_at, now=rt.clock.for_database(),
    )  # fmt: skip
    await _record(tx, caller, "session.begin", session_id, method=method.value, **detail)
    return secret


async def _end_former(rt: ApiRuntime, tx: Tx, request: Request) -> None:
    """The browser forgets its secret, so nobody could end it from there any more."""
    secret = cookies.session_secret(request.scope, rt.settings)
    former = secret and await sessions.replace(tx, digest_of(secret))
    if not former:
        return
    session_id, key_id = former
    caller = await api_keys.find_caller_of_key(tx, key_id, now=rt.clock.for_database())
    if caller is not None:
        await _record(tx, caller, "session.end", session_id, replaced="true")


async def _record(tx: Tx, caller: Caller, action: str, session_id: UUID, **detail: str) -> None:
    await audit.record(
        tx, caller.actor, action, caller.actor, team_id=caller.team_id, session=str(session_id),
        **detail,
    )  # fmt: skip


def _refused(attempts: Attempts, request: Request, prefix: str | None, error: GatewayError) -> None:
    attempts.failed(request.scope.get(ADDRESS), prefix)
    log.warning("sign_in_refused", code=error.code)
