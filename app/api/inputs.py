"""A member's inputs: the images that videos are made of."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.api import cursor as cursors
from app.api.input_documents import InputDocument, InputList, input_document
from app.api.parameters import refusals
from app.db import inputs
from app.domain.inputs import EXTENSIONS
from app.http.access import Active, Caller, ReadLimited, Rt
from app.http.images import image_response
from app.http.inputs import receive
from app.inputs import deletion, uploads

router = APIRouter(prefix="/inputs", tags=["inputs"])

InputId = Annotated[UUID, Path(description="The `id` of an input.")]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/InputUpload"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/InputFromUrl"}},
        },
    }
}


@router.post(
    "",
    name="create_input",
    status_code=201,
    responses=refusals(408, 413, 415, 422, 429),
    openapi_extra=_BODY,
)
async def create_input(request: Request, rt: Rt, caller: Active) -> InputDocument:
    """Uploads an image: PNG, JPEG or WebP, as a form with a `file`, or by the `url` that it is
    fetched from. An image that you have uploaded before is returned as it is."""
    found = await receive(rt, request, caller, field="file", url_field="url")
    return input_document(found)


@router.get("", name="list_inputs", responses=refusals(422, 429))
async def list_inputs(
    rt: Rt,
    caller: ReadLimited,
    cursor: Annotated[
        str | None, Query(min_length=1, description="`next_cursor` of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Inputs per page.")] = 20,
) -> InputList:
    """Lists your inputs, newest first. Administrators see those of the whole team."""
    async with rt.db.single() as tx:
        found = await inputs.list_visible(
            tx,
            team_id=caller.team_id,
            member_id=None if caller.is_admin else caller.member_id,
            after=cursors.read(cursor),
            limit=limit + 1,
        )
    page, next_cursor = cursors.page_of(found, limit=limit)
    return InputList(
        object="list",
        data=[input_document(each) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get("/{input_id}", name="get_input", responses=refusals(404, 422))
async def get_input(input_id: InputId, rt: Rt, caller: Caller) -> InputDocument:
    """Returns one input."""
    return input_document(await uploads.get_visible(rt, caller, input_id))


@router.delete(
    "/{input_id}",
    name="delete_input",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 409, 422),
)
async def delete_input(input_id: InputId, rt: Rt, caller: Active) -> None:
    """Deletes an input permanently; videos that were made of it stay. While a generation that is
    made of it has not been sent yet: 409 `not_ready`."""
    found = await uploads.get_visible(rt, caller, input_id)
    await deletion.delete(rt, found, by=caller)


_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file.",
          "content": dict.fromkeys(EXTENSIONS, _FILE)},
    206: {"description": "The part requested by `Range`.",
          "content": dict.fromkeys(EXTENSIONS, _FILE)},
    304: {"description": "Not modified: you already have the file."},
    416: {"description": "`Range` starts after the end of the file."},
    **refusals(404, 412, 422),
}  # fmt: skip


@router.get(
    "/{input_id}/content",
    name="get_input_content",
    response_class=Response,
    responses=_CONTENT,
)
async def get_input_content(
    request: Request, input_id: InputId, rt: Rt, caller: Caller
) -> Response:
    """Returns the image as it is kept: upright."""
    found = await uploads.get_visible(rt, caller, input_id)
    return await image_response(rt, request, found)
