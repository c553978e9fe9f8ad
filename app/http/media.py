"""`/media/{id}.mp4`, `.webp` for a thumbnail, and `.image` for an input: these work with a signed
link alone, so that `<video>` and `<img>` tags and curl can use them.

The ending is for programs that save a file under the last part of its address, such as `curl -O`.
A link to a video is as good without it.
"""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.db import generations, inputs
from app.errors import Forbidden, NotFound
from app.generations import sharing
from app.http.access import runtime_of
from app.http.content import Disposition
from app.http.images import image_response
from app.http.thumbnails import thumbnail_response
from app.http.video import shared_video_response, video_response
from app.runtime import ApiRuntime
from app.secrets import IMAGE, THUMBNAIL, VIDEO


async def get_shared_media(request: Request, share_id: str) -> Response:
    """The video that somebody shared, if `token` is the secret of its link. Whoever has the link
    learns nothing else, and nothing of a link that does not work."""
    rt = runtime_of(request)
    try:
        wanted = UUID(share_id.removesuffix(VIDEO))
    except ValueError:
        raise NotFound("There is no video at this address.") from None
    query = request.query_params
    generation = await sharing.get_shared(rt, wanted, query.get("token", ""))
    disposition: Disposition = "attachment" if "download" in query else "inline"
    return await shared_video_response(rt, request, generation, disposition=disposition)


async def get_media(request: Request, generation_id: str) -> Response:
    """The video, its thumbnail or an input, if `expires` and `sig` are valid and the link has not
    expired."""
    rt = runtime_of(request)
    ending = next((each for each in (THUMBNAIL, IMAGE) if generation_id.endswith(each)), VIDEO)
    try:
        wanted = UUID(generation_id.removesuffix(ending))
    except ValueError:
        raise NotFound("There is no video at this address.") from None
    query = request.query_params
    valid = rt.signer.valid(
        wanted,
        expires=query.get("expires", ""),
        signature=query.get("sig", ""),
        now=rt.clock.now(),
        ending=ending,
    )
    if not valid:
        raise Forbidden("This link is invalid or has expired; get the generation again.")
    if ending == IMAGE:
        return await _image(rt, request, wanted)
    async with rt.db.single() as tx:
        generation = await generations.find(tx, wanted)
    if generation is None:
        raise NotFound("There is no video at this address.")
    if ending == THUMBNAIL:
        return await thumbnail_response(rt, request, generation)
    disposition: Disposition = "attachment" if "download" in query else "inline"
    return await video_response(rt, request, generation, disposition=disposition)


async def _image(rt: ApiRuntime, request: Request, input_id: UUID) -> Response:
    async with rt.db.single() as tx:
        found = await inputs.find_many(tx, [input_id])
    if not found:
        raise NotFound("There is no image at this address.")
    return await image_response(rt, request, found[0])
