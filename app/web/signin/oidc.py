"""Signing in by OpenID Connect: to the issuer, and back with its answer."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi import Request

from app.db import api_keys, audit, identities
from app.db.faults import Conflict
from app.db.session import Tx
from app.domain.issuers import Issuer, Person, Refusal, SignInRefused, person_of
from app.domain.sessions import Method
from app.errors import Forbidden, RateLimited
from app.http.access import PresentedKey
from app.http.middleware import ADDRESS
from app.members.identities import Denied, admit
from app.oidc.pending import LEEWAY_SECONDS, Begun
from app.runtime import ApiRuntime
from app.telemetry import logger
from app.web.attempts import Attempts
from app.web.signin import begin

if TYPE_CHECKING:
    from app.oidc.provider import Provider

log = logger(__name__)

#: Issuers' codes are a few hundred characters long, and some a few thousand.
_MOST_CODE = 8_000
_MOST_STATE = 200
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """`secret` is the new session's; `return_to` is a page below `/app/`."""

    secret: str
    return_to: str


def redirect_uri(rt: ApiRuntime, issuer: Issuer) -> str:
    """What the issuer has to know of us."""
    return f"{rt.settings.link_base}/app/oidc/{issuer.id}/callback"


async def start(
    rt: ApiRuntime, provider: Provider, *, return_to: str, afresh: bool
) -> tuple[str, str]:
    """Where to send the browser, and the cookie to send it with. Raises `SignInRefused`."""
    issuer = provider.issuer
    cookie, begun = rt.begun_sign_ins.make(
        issuer.id, return_to=return_to, afresh=afresh, now=rt.clock.now()
    )
    try:
        url = await provider.authorization_url(begun, redirect_uri=redirect_uri(rt, issuer))
    except SignInRefused as refused:
        _count(rt, issuer, refused)
        raise
    return url, cookie


async def finish(
    rt: ApiRuntime, request: Request, provider: Provider, cookie: str | None, attempts: Attempts
) -> SignedIn:
    """Takes the issuer's answer, which is in the query. Raises `SignInRefused`."""
    issuer, address = provider.issuer, request.scope.get(ADDRESS)
    try:
        try:
            attempts.check(address, None)
        except RateLimited:
            raise SignInRefused(Refusal.TOO_MANY, "too many attempts failed") from None
        begun = _begun(rt, request, issuer, cookie)
        code = await _code(request.query_params, provider)
        claims = await provider.claims(
            code, begun, redirect_uri=redirect_uri(rt, issuer), now=rt.clock.now()
        )
        secret = await _sign_in(rt, request, issuer, begun, claims)
    except SignInRefused as refused:
        # Any page can make a browser come here without one of our cookies. That costs nothing, and
        # must not keep the people of its address out.
        if refused.refusal is not Refusal.OTHER_BROWSER:
            attempts.failed(address, None)
        _count(rt, issuer, refused)
        raise
    rt.metrics.sign_ins.labels(issuer.id, "signed_in").inc()
    return SignedIn(secret=secret, return_to=begun.return_to)


def _count(rt: ApiRuntime, issuer: Issuer, refused: SignInRefused) -> None:
    rt.metrics.sign_ins.labels(issuer.id, refused.refusal.value).inc()
    log.warning(
        "sign_in_refused", issuer=issuer.id, reason=refused.refusal.value, check=refused.check
    )


def _begun(rt: ApiRuntime, request: Request, issuer: Issuer, cookie: str | None) -> Begun:
    """The sign-in of this browser that the answer belongs to."""
    begun = cookie and rt.begun_sign_ins.read(cookie, now=rt.clock.now())
    if not begun:
        raise SignInRefused(Refusal.OTHER_BROWSER, "this browser began none, or too long ago")
    if begun.issuer_id != issuer.id:
        raise SignInRefused(Refusal.OTHER_BROWSER, "it was begun with another issuer")
    state = request.query_params.get("state", "")[:_MOST_STATE]
    if not hmac.compare_digest(state.encode("utf-8", "replace"), begun.state.encode()):
        raise SignInRefused(Refusal.OTHER_BROWSER, "state is another one")
    return begun


async def _code(query: Mapping[str, str], provider: Provider) -> str:
    await provider.check_answerer(query.get("iss"))
    if "error" in query:
        raise SignInRefused(Refusal.DECLINED, "the issuer answered with an error")
    code = query.get("code", "")
    if not 0 < len(code) <= _MOST_CODE:
        raise SignInRefused(Refusal.ISSUER_ANSWER, "there is no code")
    return code


async def _sign_in(
    rt: ApiRuntime, request: Request, issuer: Issuer, begun: Begun, claims: Mapping[str, Any]
) -> str:
    """The secret of a new session."""
    proved_at = _proved_at(claims, rt.clock.now())
    if begun.afresh and (begun.begun_at - proved_at).total_seconds() > LEEWAY_SECONDS:
        raise SignInRefused(Refusal.NOT_AFRESH, "auth_time is not after the sign-in began")
    person = person_of(issuer, claims)
    for last in (False, True):
        try:
            async with rt.db.begin() as tx:
                found = await _admitted(rt, tx, request, issuer, begun, person, proved_at)
            # Committed by now: what was taken away stays so.
            return found if isinstance(found, str) else _deny(found)
        except Conflict:
            # Somebody made a member with this name at the same moment.
            if last:
                raise
    raise AssertionError


async def _admitted(
    rt: ApiRuntime,
    tx: Tx,
    request: Request,
    issuer: Issuer,
    begun: Begun,
    person: Person,
    proved_at: datetime,
) -> str | Denied:
    now = rt.clock.for_database()
    if not await identities.use_answer(tx, begun.digest, until=begun.until):
        raise SignInRefused(Refusal.USED, "state was used before")
    found = await admit(rt, tx, issuer, person, now=now)
    if isinstance(found, Denied):
        await audit.record(
            tx, issuer.actor, "session.refuse", found.subject or issuer.id,
            refused=found.refusal.value, team_id=found.team_id,
        )  # fmt: skip
        return found
    caller = await api_keys.find_caller_of_key(tx, found, now=now)
    assert caller is not None
    try:
        caller = PresentedKey(request, caller.key_prefix, b"").identified(caller)
    except Forbidden:
        # Its key was restricted to other addresses.
        raise SignInRefused(Refusal.SUSPENDED, "its key may not be used from here") from None
    return await begin.open_session(
        rt, tx, request, caller, Method.OIDC, issuer=issuer.id, proved_at=proved_at
    )


def _deny(denied: Denied) -> NoReturn:
    raise SignInRefused(denied.refusal, "the member may not sign in")


def _proved_at(claims: Mapping[str, Any], now: datetime) -> datetime:
    """When the person last proved to the issuer who it is. An issuer that does not say may have
    known its browser for months."""
    said = claims.get("auth_time")
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < 10**11:
        return _NEVER
    return min(datetime.fromtimestamp(said, tz=UTC), now)
