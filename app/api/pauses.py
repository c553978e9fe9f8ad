"""What operators pause: accepting generations, or sending them upstream."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from app.api.documents import Document
from app.api.parameters import TEXT, refusals
from app.domain.operators import Pause
from app.http.access import Operator, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.operators import pauses
from app.runtime import ApiRuntime

router = APIRouter(prefix="/admin/pauses", tags=["admin"], route_class=BoundedRoute)

Name = Annotated[
    Pause,
    PathParameter(
        description="`admission`: no new generations are accepted. `submission`: none are sent "
        "upstream; what is running continues."
    ),
]


class Because(BaseModel):
    """Why an operator does something."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT, description="Why; kept in the audit log."
    )


class PauseDocument(Document):
    object: Literal["pause"]
    name: Pause
    paused: bool
    reason: str | None
    changed_at: datetime


class PauseList(Document):
    object: Literal["list"]
    data: list[PauseDocument]


@router.get("", name="list_pauses")
async def list_pauses(rt: Rt, _operator: Operator) -> PauseList:
    """Lists what can be paused, and whether it is."""
    return await _pauses(rt)


@router.post("/{name}/pause", name="pause_gateway", responses=refusals(408, 413))
async def pause_gateway(name: Name, body: Because, rt: Rt, operator: Operator) -> PauseList:
    """Pauses the gateway. What is in progress continues."""
    await pauses.set_paused(rt, name, paused=True, reason=body.reason, actor=operator.actor)
    with after_commit(f"{name.capitalize()} is paused"):
        return await _pauses(rt)


@router.post("/{name}/resume", name="resume_gateway", responses=refusals(408, 413))
async def resume_gateway(name: Name, body: Because, rt: Rt, operator: Operator) -> PauseList:
    """Ends a pause; whatever waited for it continues at once."""
    await pauses.set_paused(rt, name, paused=False, reason=body.reason, actor=operator.actor)
    with after_commit(f"{name.capitalize()} goes on"):
        return await _pauses(rt)


async def _pauses(rt: ApiRuntime) -> PauseList:
    return PauseList(
        object="list",
        data=[
            PauseDocument(object="pause", name=p.name, paused=p.paused, reason=p.reason,
                          changed_at=p.changed_at)
            for p in await pauses.states(rt)
        ],
    )  # fmt: skip
