"""Reads request bodies: of bounded length, and only JSON that Postgres and every client can
hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

from app.domain.text import shown
from app.errors import (
    MalformedJson,
    PayloadTooLarge,
    RequestTimedOut,
    UnsupportedEncoding,
)
from app.http.access import authenticate_early, forget_caller

#: Largest request body that is read: over twice the longest prompt with every character escaped.
MAX_BODY_BYTES = 1_048_576
#: How long a client may take to send a body. The largest body takes this long at 140 kbit/s. A
#: client that sends one byte at a time cannot hold its connection any longer.
BODY_SECONDS = 60.0
#: Largest body that the framework reads: a small document.
_MAX_DOCUMENT_BYTES = 65_536


def refuse_encoded(request: Request) -> None:
    """Raises `UnsupportedEncoding`: a small compressed body can be endless, and none of ours is
    worth compressing."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(
            f"The Content-Encoding {shown(encoding)} is not read here: send the body as it is."
        )


async def read_body(request: Request, *, limit: int) -> bytes:
    """The whole body. Raises `PayloadTooLarge` as soon as it is longer than `limit` bytes,
    `RequestTimedOut` when it takes longer than `BODY_SECONDS`, and `UnsupportedEncoding`."""
    refuse_encoded(request)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise PayloadTooLarge(f"The request body must be at most {limit} bytes long.")
    body = bytearray()
    # Called in the loop's next turn, so never if all of the body is here already.
    waits = asyncio.get_running_loop().call_soon(forget_caller, request)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise PayloadTooLarge(f"The request body must be at most {limit} bytes long.")
    except ClientDisconnect:
        raise MalformedJson("The request body ended early.") from None
    except TimeoutError:
        raise RequestTimedOut() from None
    finally:
        waits.cancel()
    return bytes(body)


async def read_json_object(request: Request, *, optional: bool = False) -> dict[str, Any]:
    """The body as a JSON object; where it is `optional`, no body is an empty one. Raises what
    `read_body` raises, or `MalformedJson`, saying where."""
    body = await read_body(request, limit=MAX_BODY_BYTES)
    if optional and not body:
        return {}
    document = parse_json(request, body)
    if not isinstance(document, dict):
        raise MalformedJson("The request body must be a JSON object.")
    return document


def parse_json(request: Request, body: bytes) -> Any:
    """The JSON value of the body, whatever its type is said to be: curl says that everything is a
    form. Raises `MalformedJson`, saying where, and which type was said."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The request body is not JSON{_said_type(request)}: {error.msg} at line "
            f"{error.lineno}, column {error.colno}."
        ) from None
    except UnicodeDecodeError:
        raise MalformedJson(f"The request body is not UTF-8{_said_type(request)}.") from None
    except (ValueError, RecursionError):
        raise MalformedJson(
            f"The request body is not JSON that this gateway can read{_said_type(request)}."
        ) from None


def _said_type(request: Request) -> str:
    """The declared type, in brackets, where it is not JSON."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return "" if "json" in declared or not declared else f" (its Content-Type is {shown(declared)})"


class BoundedRoute(APIRoute):
    """For routes that need a key and whose body the framework reads. By itself it reads before it
    authenticates, accepts any length, waits for any time, and refuses JSON that is labeled as
    something else, which curl and `fetch` do by default."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def bounded(request: Request) -> Response:
            await authenticate_early(request)
            body = await read_body(request, limit=_MAX_DOCUMENT_BYTES)
            if body:
                parse_json(request, body)

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            others = [each for each in request.scope["headers"] if each[0] != b"content-type"]
            headers = [*others, (b"content-type", b"application/json")]
            return await handle(Request({**request.scope, "headers": headers}, receive))

        return bounded


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
