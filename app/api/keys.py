"""API keys: a member's own, and those of members for who manages them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api import cursor as cursors
from app.api.key_documents import (
    RESTRICTIONS,
    KeyChange,
    KeyRequest,
    KeyRevocation,
    KeyRotation,
    MemberKeyDocument,
    MemberKeyList,
    MemberKeyWithSecret,
    RevokedKeyDocument,
    RevokedKeyList,
    TeamKeyList,
    key_document,
    revoked_document,
    team_key_document,
    with_secret,
)
from app.api.management_documents import given
from app.api.parameters import Cursor, KeyId, MemberId, TeamId, refusals
from app.domain.authority import Actor
from app.domain.keys import UNRESTRICTED
from app.http.access import Active, Manager, ReadLimited, Rt, Self
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import ONCE, Once
from app.members import keys
from app.runtime import ApiRuntime

own = APIRouter(prefix="/keys", tags=["account"], route_class=BoundedRoute)
router = APIRouter(prefix="/admin", tags=["admin"], route_class=BoundedRoute)

_OF_MEMBER = "/teams/{team_id}/members/{member_id}/keys"
_ONE = "/keys/{key_id}"
Limit = Annotated[int, Query(ge=1, le=100, description="Keys per page.")]


@own.get("", name="list_own_keys", responses=refusals(422, 429))
async def list_own_keys(
    rt: Rt, actor: Self, caller: ReadLimited, cursor: Cursor = None, limit: Limit = 50
) -> MemberKeyList:
    """Lists your keys, oldest first, also those that have ended."""
    return await _list(rt, actor, caller.team_id, caller.member_id, cursor, limit)


@own.post(
    "", name="create_own_key", status_code=201, responses=refusals(408, 409, 413),
    openapi_extra=ONCE,
)  # fmt: skip
async def create_own_key(
    body: KeyRequest, rt: Rt, actor: Self, caller: Active, once: Once
) -> MemberKeyWithSecret:
    """Creates a key of yours. The response shows its secret, only once. Your own limits count for
    all your keys. A key with a credit limit makes no other key, and one that expires none that
    lasts longer."""
    return await _create(rt, actor, caller.team_id, caller.member_id, body, once)


@own.post(
    "/{key_id}/rotate", name="rotate_own_key", responses=refusals(404, 408, 409, 413),
    openapi_extra=ONCE,
)  # fmt: skip
async def rotate_own_key(
    key_id: KeyId, rt: Rt, actor: Self, once: Once, body: KeyRotation | None = None
) -> MemberKeyWithSecret:
    """Makes a new key in the place of one of yours, with the same limit and expiry. The old one
    works for `overlap_seconds` more. The secret of the new one is shown only once."""
    return await _rotate(rt, actor, key_id, body or KeyRotation(), once)


@own.post("/{key_id}/revoke", name="revoke_own_key", responses=refusals(404, 408, 413))
async def revoke_own_key(
    key_id: KeyId, rt: Rt, actor: Self, body: KeyRevocation | None = None
) -> RevokedKeyDocument:
    """Ends one of your keys now, also the one of this request."""
    return await _revoke(rt, actor, key_id, body or KeyRevocation())


@router.get(_OF_MEMBER, name="list_member_keys", responses=refusals(404, 422, 429))
async def list_member_keys(
    team_id: TeamId,
    member_id: MemberId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MemberKeyList:
    """Lists the keys of a member, oldest first, also those that have ended."""
    return await _list(rt, actor, team_id, member_id, cursor, limit)


@router.get("/teams/{team_id}/keys", name="list_team_keys", responses=refusals(404, 422, 429))
async def list_team_keys(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> TeamKeyList:
    """Lists the keys of all members of a team, oldest first, also those that have ended."""
    after = cursors.read(cursor)
    found = await keys.list_team_keys(rt, team_id, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return TeamKeyList(
        object="list",
        data=[team_key_document(key, now=rt.clock.now()) for key in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(
    _OF_MEMBER, name="create_member_key", status_code=201,
    responses=refusals(404, 408, 409, 413), openapi_extra=ONCE,
)  # fmt: skip
async def create_member_key(
    team_id: TeamId, member_id: MemberId, body: KeyRequest, rt: Rt, actor: Manager, once: Once
) -> MemberKeyWithSecret:
    """Creates a key of a member. The response shows its secret, only once."""
    return await _create(rt, actor, team_id, member_id, body, once)


@router.post(f"{_OF_MEMBER}/revoke", name="revoke_member_keys", responses=refusals(404, 408, 413))
async def revoke_member_keys(
    team_id: TeamId,
    member_id: MemberId,
    rt: Rt,
    actor: Manager,
    body: KeyRevocation | None = None,
) -> RevokedKeyList:
    """Ends all keys of a member now. It can get others."""
    body = body or KeyRevocation()
    revoked = await keys.revoke_keys(
        rt, team_id, member_id, compromised=body.compromised, actor=actor.because(body.reason)
    )
    with after_commit("The keys were revoked"):
        return RevokedKeyList(object="list", data=[revoked_document(each) for each in revoked])


@router.get(_ONE, name="get_key", responses=refusals(404))
async def get_key(key_id: KeyId, rt: Rt, actor: Manager) -> MemberKeyDocument:
    """Returns a key, without its secret."""
    return key_document(await keys.get_key(rt, key_id, actor=actor))


@router.patch(_ONE, name="change_key", responses=refusals(404, 408, 413))
async def change_key(key_id: KeyId, body: KeyChange, rt: Rt, actor: Manager) -> MemberKeyDocument:
    """Changes what a key may: its credit limit, how often that begins anew, and what it may do less
    than its member; null removes a limit. What it has used stays used. Keys that replaced each
    other share all of it. No key raises a limit of its own."""
    sent = given(body, may_be_null=("credit_limit", *RESTRICTIONS))
    key = await keys.limit_key(
        rt,
        key_id,
        credit_limit=sent.get("credit_limit"),
        credit_period=sent.get("credit_period"),
        unlimited="credit_limit" in sent and sent["credit_limit"] is None,
        restrict=body.restricting(sent),
        actor=actor.because(body.reason),
    )
    with after_commit("The key was changed"):
        return key_document(key)


@router.post(
    _ONE + "/rotate", name="rotate_key", responses=refusals(404, 408, 409, 413),
    openapi_extra=ONCE,
)  # fmt: skip
async def rotate_key(
    key_id: KeyId, rt: Rt, actor: Manager, once: Once, body: KeyRotation | None = None
) -> MemberKeyWithSecret:
    """Makes a new key in the place of another, with the same limit and expiry. The old one works
    for `overlap_seconds` more. The secret of the new one is shown only once."""
    return await _rotate(rt, actor, key_id, body or KeyRotation(), once)


@router.post(_ONE + "/revoke", name="revoke_key", responses=refusals(404, 408, 413))
async def revoke_key(
    key_id: KeyId, rt: Rt, actor: Manager, body: KeyRevocation | None = None
) -> RevokedKeyDocument:
    """Ends a key now."""
    return await _revoke(rt, actor, key_id, body or KeyRevocation())


async def _list(
    rt: ApiRuntime, actor: Actor, team_id: UUID, member_id: UUID, cursor: str | None, limit: int
) -> MemberKeyList:
    after = cursors.read(cursor)
    found = await keys.list_keys(rt, team_id, member_id, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return MemberKeyList(
        object="list",
        data=[key_document(key) for key in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


async def _create(
    rt: ApiRuntime, actor: Actor, team_id: UUID, member_id: UUID, body: KeyRequest, once: Once
) -> MemberKeyWithSecret:
    restrict = body.restricting(body.model_fields_set)
    issued = await keys.create_key(
        rt, team_id, member_id, name=body.name, expires_at=body.expires_at,
        credit_limit=body.credit_limit, credit_period=body.credit_period,
        restrictions=UNRESTRICTED if restrict is None else restrict(UNRESTRICTED),
        once=once, actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The key was created"):
        return with_secret(issued)


async def _rotate(
    rt: ApiRuntime, actor: Actor, key_id: UUID, body: KeyRotation, once: Once
) -> MemberKeyWithSecret:
    issued = await keys.rotate_key(
        rt, key_id, overlap_seconds=body.overlap_seconds, once=once,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The key was rotated"):
        return with_secret(issued)


async def _revoke(
    rt: ApiRuntime, actor: Actor, key_id: UUID, body: KeyRevocation
) -> RevokedKeyDocument:
    revoked = await keys.revoke_key(
        rt, key_id, compromised=body.compromised, actor=actor.because(body.reason)
    )
    with after_commit("The key was revoked"):
        return revoked_document(revoked)
