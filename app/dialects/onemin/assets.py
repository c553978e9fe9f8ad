"""`POST /api/assets`, as at 1min.ai."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from app.dialects.onemin import wire
from app.dialects.onemin.documents import AssetUpload
from app.http.access import Active, Rt
from app.http.inputs import receive

#: The field of the form.
FIELD = "asset"

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/AssetForm"}}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": AssetUpload},
    **{status: {"description": ""} for status in (400, 408, 413, 415, 429)},
}


def add_routes(app: FastAPI) -> None:
    app.add_api_route("/assets", create_asset, methods=["POST"], name="create_asset",
                      tags=["onemin"], response_class=JSONResponse, responses=_ANSWERS,
                      openapi_extra=_BODY)  # fmt: skip


async def create_asset(request: Request, rt: Rt, caller: Active) -> Response:
    """Uploads an image. Send `asset.key` or `fileContent.path` of the response as `imageUrl`."""
    found = await receive(rt, request, caller, field=FIELD)
    location = f"{rt.settings.link_base}/api/v1/inputs/{found.id}/content"
    return JSONResponse(wire.render_asset(found, location=location))
