"""A member's signed-in browsers. They are begun by the pages alone: programs send a key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from app.api.documents import Document
from app.api.parameters import refusals
from app.db.sessions import ListedSession
from app.domain.sessions import Session
from app.http.access import SESSION, Caller, Rt
from app.members import sessions

router = APIRouter(prefix="/sessions", tags=["account"])
SessionId = Annotated[UUID, Path(description="The `id` of a session.")]


class SessionDocument(Document):
    """A browser that is signed in."""

    object: Literal["session"]
    id: UUID
    method: str = Field(
        description="How it was signed in: by a `key`, a `link`, or by `oidc`, at an issuer."
    )
    key_prefix: str = Field(description="Of the key that it acts with, and ends with.")
    address: str | None = Field(description="Where it was signed in.")
    browser: str | None = Field(description="As it described itself then.")
    created_at: datetime
    last_seen_at: datetime = Field(description="As known a minute ago.")
    expires_at: datetime = Field(description="When it ends if it is not used any more.")
    current: bool = Field(description="Whether this request came with it.")


class SessionList(Document):
    object: Literal["list"]
    data: list[SessionDocument]


@router.get("", name="list_sessions", responses=refusals(403))
async def list_sessions(request: Request, rt: Rt, caller: Caller) -> SessionList:
    """Lists the browsers in which you are signed in, the one that was used last first."""
    current: Session | None = request.scope.get(SESSION)
    found = await sessions.list_sessions(rt, caller)
    return SessionList(object="list", data=[_document(one, current) for one in found])


@router.delete("/{session_id}", name="end_session", status_code=204, response_class=Response,
               responses=refusals(403, 404, 422))  # fmt: skip
async def end_session(session_id: SessionId, rt: Rt, caller: Caller) -> None:
    """Signs one of your browsers out, wherever it is."""
    await sessions.end_session(rt, caller, session_id)


def _document(one: ListedSession, current: Session | None) -> SessionDocument:
    return SessionDocument(
        object="session", id=one.id, method=one.method.value, key_prefix=one.key_prefix,
        address=one.address, browser=one.browser, created_at=one.created_at,
        last_seen_at=one.seen_at, expires_at=one.expires_at,
        current=current is not None and current.id == one.id,
    )  # fmt: skip
