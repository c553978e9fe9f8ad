"""Reading request bodies: bounded, and JSON that Postgres and every client can carry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

from app.errors import MalformedJson, PayloadTooLarge, RequestTimedOut


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body. Raises `PayloadTooLarge` as soon as it is longer than `limit` bytes, and
    `RequestTimedOut` when it takes longer than `seconds`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise PayloadTooLarge(f"The request body must be at most {limit} bytes long.")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise PayloadTooLarge(f"The request body must be at most {limit} bytes long.")
    except ClientDisconnect:
        raise MalformedJson("The request body ended early.") from None
    except TimeoutError:
        raise RequestTimedOut() from None
    return bytes(body)


async def read_json_object(request: Request, *, limit: int, seconds: float) -> dict[str, Any]:
    """The body as a JSON object. Raises what `read_body` raises, or `MalformedJson`, saying
    where."""
    document = parse_json(await read_body(request, limit=limit, seconds=seconds))
    if not isinstance(document, dict):
        raise MalformedJson("The request body must be a JSON object.")
    return document


def parse_json(body: bytes) -> Any:
    """What the body says. Raises `MalformedJson`, saying where."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The request body is not JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}."
        ) from None
    except UnicodeDecodeError:
        raise MalformedJson("The request body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise MalformedJson("The request body is not JSON that can be read here.") from None


#: What the framework reads are small documents, and it reads those of strangers too.
_MOST_READ_BYTES = 65_536


class BoundedRoute(APIRoute):
    """For routes whose body the framework reads: it does so before it asks who calls, would take
    any length and any time, and would not read JSON whose sender calls it something else, as curl
    and `fetch` do unless they are told."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def bounded(request: Request) -> Response:
            settings = request.app.state.runtime.settings
            limit = min(settings.max_body_bytes, _MOST_READ_BYTES)
            body = await read_body(request, limit=limit, seconds=settings.body_seconds)
            if body:
                parse_json(body)

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            others = [each for each in request.scope["headers"] if each[0] != b"content-type"]
            headers = [*others, (b"content-type", b"application/json")]
            return await handle(Request({**request.scope, "headers": headers}, receive))

        return bounded


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
