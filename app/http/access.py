"""Authentication: the annotated types that routes take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer

from app.db import api_keys
from app.domain.authority import Actor
from app.domain.caller import Caller as CallerRecord
from app.domain.caller import Role, Status
from app.domain.ids import parse_generation_id
from app.domain.keys import Scope
from app.domain.sessions import Session
from app.errors import Forbidden, GatewayError, Suspended, Unauthenticated
from app.http.client_address import is_within
from app.http.middleware import ADDRESS, RUNTIME
from app.runtime import ApiRuntime
from app.secrets import digest_of, prefix_of
from app.telemetry import identify

_API_KEY = APIKeyHeader(
    name="API-KEY", scheme_name="ApiKey", auto_error=False, description="A member's key."
)
_BEARER = HTTPBearer(
    scheme_name="Bearer", auto_error=False, description="The same key as a bearer token."
)
_PASS = APIKeyQuery(
    name="token", scheme_name="EventsToken", auto_error=False,
    description="A short-lived token of `create_events_token`, for browsers: their EventSource "
    "sends no headers.",
)  # fmt: skip
#: Where a request carries the session of its browser, or why that may not be used.
SESSION = "reelgate.session"
#: Where a request keeps whom it was found to be from.
_FOUND = "reelgate.found"
#: Longer than any key of ours, so not worth hashing.
_LONGEST_KEY = 200


def runtime_of(request: Request) -> ApiRuntime:
    runtime: ApiRuntime = request.scope[RUNTIME]
    return runtime


async def _runtime(request: Request) -> ApiRuntime:
    """A coroutine, because the framework runs plain functions in a thread, which costs more than
    this does."""
    return runtime_of(request)


Rt = Annotated[ApiRuntime, Depends(_runtime)]


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """The key that a request brought, before anybody has looked whose it is. A statement that does
    something for its owner may find the owner too: one round trip instead of two."""

    request: Request
    prefix: str | None
    digest: bytes
    #: Of the browser's session that acts with the key.
    session_id: UUID | None = None

    def verified(self, caller: CallerRecord | None) -> CallerRecord:
        """`caller` is who has the key, as the database says. Raises `Unauthenticated` if nobody
        has, and `Forbidden` where the key may not be used from the caller's address, or for that.
        Nothing that was found for the caller may be shown before."""
        return _in_scope(self.request, self.identified(caller))

    def identified(self, caller: CallerRecord | None) -> CallerRecord:
        """The same, whatever the key is for."""
        if caller is None:
            raise self.refused()
        _identified(runtime_of(self.request), caller)
        networks = caller.restrictions.addresses
        if networks is not None:
            address = self.request.scope.get(ADDRESS)
            if address is None or not is_within(address, [ip_network(each) for each in networks]):
                raise Forbidden(f"This key may not be used from the address {address}.")
        return caller if self.session_id is None else replace(caller, session_id=self.session_id)

    def refused(self) -> Unauthenticated:
        if self.prefix is not None:
            identify(key_prefix=self.prefix)
        return Unauthenticated()


def presented_key(request: Request) -> PresentedKey:
    """From `API-KEY: …` or `Authorization: Bearer …`; without them, the key that the browser's
    session acts with. Raises `Unauthenticated` if there is none, and why a session may not be
    used."""
    headers = request.headers
    secret = headers.get("api-key")
    if not secret:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        secret = given.strip() if scheme.lower() == "bearer" else None
    if not secret:
        session: Session | GatewayError | None = request.scope.get(SESSION)
        if isinstance(session, GatewayError):
            raise session
        if session is not None:
            return PresentedKey(request, session.key_prefix, session.key_digest, session.id)
        raise Unauthenticated("Send your key as `API-KEY: <key>` or `Authorization: Bearer <key>`.")
    return given_key(request, secret)


def given_key(request: Request, secret: str) -> PresentedKey:
    """A key that this request brought somewhere else. Raises `Unauthenticated` if it is none."""
    if len(secret) > _LONGEST_KEY:
        raise PresentedKey(request, prefix_of(secret), b"").refused()
    return PresentedKey(request, prefix_of(secret), digest_of(secret))


async def authenticated(request: Request) -> CallerRecord:
    """The caller, whatever the key is for. Raises `Unauthenticated`, and `Forbidden` where the key
    may not be used from the caller's address."""
    if (found := _found_early(request)) is not None:
        return found
    key = presented_key(request)
    return key.identified(await _looked_up(key))


async def authenticate(
    request: Request,
    _api_key: Annotated[str | None, Security(_API_KEY)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> CallerRecord:
    """As `authenticated`, and tells the OpenAPI document how."""
    return await authenticated(request)


async def authenticate_early(request: Request) -> None:
    """For routes whose body is read before their dependencies are called: nobody without a key is
    waited for. The dependency takes who was found, unless `forget_caller` was called. Raises what
    `authenticate` raises."""
    request.scope[_FOUND] = await authenticated(request)


def _found_early(request: Request) -> CallerRecord | None:
    return request.scope.get(_FOUND)


def forget_caller(request: Request) -> None:
    """For when the client was waited for: its key may have been revoked meanwhile."""
    request.scope.pop(_FOUND, None)


async def _presented(
    request: Request,
    _api_key: Annotated[str | None, Security(_API_KEY)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> PresentedKey:
    return presented_key(request)


#: For routes that find the caller with what they read. They call `verified`.
Presented = Annotated[PresentedKey, Depends(_presented)]


async def _key(request: Request) -> PresentedKey:
    return presented_key(request)


def _identified(rt: ApiRuntime, caller: CallerRecord) -> CallerRecord:
    rt.keys.used(caller.key_id)
    identify(key_prefix=caller.key_prefix, member=caller.name, team=caller.team_name)
    return caller


#: Whoever has a key. What the key is for is still to be looked at.
Identified = Annotated[CallerRecord, Depends(authenticate)]
#: Routes that a key of any scope may call: they look at nothing but what it can do, or open what it
#: may open anyway.
_OF_ANY_SCOPE = frozenset({"get_me", "list_models", "estimate_generation", "create_events_token"})


async def check_scope(request: Request, caller: Identified) -> CallerRecord:
    """Raises `Forbidden` if the key is not for that."""
    return _in_scope(request, caller)


def _in_scope(request: Request, caller: CallerRecord) -> CallerRecord:
    wanted = Scope.READ if request.method in ("GET", "HEAD") else Scope.GENERATE
    route = getattr(request.scope.get("route"), "name", None)
    if route not in _OF_ANY_SCOPE and not caller.has(wanted):
        raise _out_of_scope(caller, wanted)
    return caller


def _out_of_scope(caller: CallerRecord, wanted: Scope) -> Forbidden:
    scopes = [scope.value for scope in caller.restrictions.scopes]
    return Forbidden(
        f"This key may not do that: its scopes are {', '.join(scopes)}, and that needs {wanted}.",
        extra={"scopes": scopes, "needed_scope": wanted.value},
    )


Caller = Annotated[CallerRecord, Depends(check_scope)]


async def recall(
    request: Request,
    _api_key: Annotated[str | None, Security(_API_KEY)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> CallerRecord:
    return await _recalled(request)


async def _recalled(request: Request) -> CallerRecord:
    """As `check_scope`, of a caller that may have been looked up for an earlier request: admission
    refuses one that is no longer as it was."""
    if (found := _found_early(request)) is not None:
        return _in_scope(request, found)
    key, rt = presented_key(request), runtime_of(request)
    return key.verified(rt.callers.find(key.digest) or await _looked_up(key))


async def look_again(request: Request) -> CallerRecord:
    """What `recall` gives after somebody changed the caller's key, member or team."""
    key = presented_key(request)
    return key.verified(await _looked_up(key))


async def _looked_up(key: PresentedKey) -> CallerRecord | None:
    rt = runtime_of(key.request)
    async with rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, key.digest, now=rt.clock.for_database())
    rt.callers.remember(key.digest, caller)
    return caller


#: For creates, which admission decides.
Creator = Annotated[CallerRecord, Depends(recall)]


async def _caller(request: Request) -> CallerRecord:
    return _in_scope(request, await authenticated(request))


#: What the framework calls for these types in a signature → the same from the request alone, for
#: routes that do without it.
WITHOUT_FRAMEWORK: dict[Callable[..., Any], Callable[[Request], Awaitable[Any]]] = {
    _runtime: _runtime,
    check_scope: _caller,
    recall: _recalled,
    _presented: _key,
}


async def authenticate_listener(
    request: Request,
    rt: Rt,
    _api_key: Annotated[str | None, Security(_API_KEY)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    token: Annotated[str | None, Security(_PASS)],
) -> CallerRecord:
    """The caller of a key, or of a `?token=…` in its place. A page's token is seen by many people,
    so it is never an administrator's. Raises `Unauthenticated`, and `Forbidden` if the token is for
    another generation than the one in the path."""
    if token is None:
        return await _caller(request)
    opens = rt.stream_tokens.read(token, now=rt.clock.now())
    caller = None
    if opens is not None:
        now = rt.clock.for_database()
        async with rt.db.single() as tx:
            caller = await api_keys.find_caller_of_key(tx, opens.key_id, now=now)
    if opens is None or caller is None:
        raise Unauthenticated("This token is invalid or has expired; get another one.")
    of_path = parse_generation_id(request.path_params.get("generation_id", ""))
    if opens.generation_id not in (None, of_path):
        raise Forbidden(f"This token opens only the events of generation {opens.generation_id}.")
    return replace(_identified(rt, caller), role=Role.MEMBER)


#: For event streams only: a token gives access to nothing else.
Listening = Annotated[CallerRecord, Depends(authenticate_listener)]


async def limit_reads(rt: Rt, caller: Caller) -> AsyncIterator[CallerRecord]:
    """Lasts until the answer is sent. Raises `RateLimited`."""
    async with rt.read_limit.slot(caller.member_id):
        yield caller


#: For lists and sums: only a few requests of one member run at a time.
ReadLimited = Annotated[CallerRecord, Depends(limit_reads)]


async def require_active(caller: Caller) -> CallerRecord:
    """A suspended member may read and download its own generations, and nothing else."""
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    return caller


Active = Annotated[CallerRecord, Depends(require_active)]


def _actor(rt: ApiRuntime, caller: CallerRecord) -> Actor:
    return Actor.calling(caller, operator_team=rt.settings.operator_team)


async def require_manager(rt: Rt, caller: Identified) -> Actor:
    actor = _actor(rt, caller)
    if caller.role is Role.ADMIN and not caller.has(Scope.TEAM, Scope.OPERATE):
        raise _out_of_scope(caller, Scope.TEAM)
    actor.require_manager()
    await require_active(caller)
    return actor


#: Administrators of a team, and operators. Whom they manage, the use cases ask.
Manager = Annotated[Actor, Depends(require_manager)]


async def act_for_self(rt: Rt, caller: Active) -> Actor:
    return _actor(rt, caller).as_member()


async def require_operating(actor: Manager) -> Actor:
    actor.require_operator()
    return actor


#: Operators, as those who act.
Operating = Annotated[Actor, Depends(require_operating)]


#: For what is the caller's own: it manages nobody here, whatever its role.
Self = Annotated[Actor, Depends(act_for_self)]


async def require_operator(rt: Rt, caller: Identified) -> CallerRecord:
    actor = _actor(rt, caller)
    is_operator = caller.role is Role.ADMIN and caller.team_name == rt.settings.operator_team
    if is_operator and not caller.has(Scope.OPERATE):
        raise _out_of_scope(caller, Scope.OPERATE)
    actor.require_operator()
    return await require_active(caller)


Operator = Annotated[CallerRecord, Depends(require_operator)]


async def require_recent(request: Request, rt: Rt, operator: Operator) -> CallerRecord:
    """Whoever holds a browser that is signed in is not yet its person. Raises `Forbidden`, with
    `sign_in_again`, where a session's person proved too long ago who it is."""
    session: Session | None = request.scope.get(SESSION)
    seconds = rt.settings.session_recent_seconds
    if session is not None and (rt.clock.now() - session.recent_auth_at).total_seconds() > seconds:
        raise Forbidden(
            "Sign in again first: that is asked for before what is dangerous.",
            extra={"sign_in_again": True},
        )
    return operator


#: Operators, for upstream keys and for what settles money: by a key, or freshly signed in.
RecentOperator = Annotated[CallerRecord, Depends(require_recent)]
