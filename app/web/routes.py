"""`/app`: the pages, and signing in to them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response

from app.domain.sessions import Session
from app.errors import InvalidRequest, Issue, Unauthenticated
from app.http import errors
from app.http.access import runtime_of
from app.http.bodies import read_json_object
from app.web import cookies, oidc, origin, pages, sessions
from app.web.attempts import Attempts
from app.web.built import File
from app.web.signin import begin

PREFIX = "/app"
#: Ways to sign in, as the body names them.
_WAYS = ("key", "link")
_LONGEST = 200


def create_pages(files: Mapping[str, File]) -> FastAPI:
    """`files` are the built pages; without them, their addresses say how to get them."""
    app = FastAPI(title="Reelgate", docs_url=None, redoc_url=None, openapi_url=None,
                  redirect_slashes=False)  # fmt: skip
    errors.install(app, errors.problem, media_type="application/problem+json")
    app.state.files = files
    app.state.attempts = Attempts()
    app.add_api_route("/session", sign_in, methods=["POST"], name="sign_in")
    app.add_api_route("/session/again", sign_in_again, methods=["POST"], name="sign_in_again")
    app.add_api_route("/session", sign_out, methods=["DELETE"], name="sign_out")
    oidc.add_routes(app)
    app.add_api_route("/{path:path}", get_page, methods=["GET", "HEAD"], name="get_page")
    return app


async def get_page(request: Request) -> Response:
    return pages.answer(request.app.state.files, request, request.path_params["path"])


async def sign_in(request: Request) -> Response:
    """The body names one way: `{"key": …}` or `{"link": …}`. 204 with the cookie."""
    rt = runtime_of(request)
    origin.require_own(request.scope, rt.settings)
    way, secret = _way(await read_json_object(request), _WAYS)
    prove = begin.by_key if way == "key" else begin.by_link
    response = Response(status_code=204)
    cookies.give(
        response, await prove(rt, request, secret, request.app.state.attempts), rt.settings
    )
    return response


async def sign_in_again(request: Request) -> Response:
    """`{"key": …}`, by whoever is signed in already, before what asks for it."""
    session = await _session(request)
    _, key = _way(await read_json_object(request), ("key",))
    await begin.again(runtime_of(request), request, session, key, request.app.state.attempts)
    return Response(status_code=204)


async def sign_out(request: Request) -> Response:
    """204 also where the session has ended already."""
    rt = runtime_of(request)
    response = Response(status_code=204)
    with contextlib.suppress(Unauthenticated):
        await begin.sign_out(rt, request, await _session(request))
    cookies.take_back(response, rt.settings)
    return response


async def _session(request: Request) -> Session:
    """Raises `Unauthenticated` and `Forbidden`."""
    rt = runtime_of(request)
    origin.require_own(request.scope, rt.settings)
    secret = cookies.session_secret(request.scope, rt.settings)
    if secret is None:
        raise Unauthenticated("You are signed out.")
    return await sessions.find(rt, secret)


def _way(body: dict[str, Any], ways: tuple[str, ...]) -> tuple[str, str]:
    given = [name for name in ways if isinstance(body.get(name), str)]
    if len(body) != 1 or len(given) != 1 or not 0 < len(body[given[0]]) <= _LONGEST:
        message = f"must be one of {', '.join(ways)}, with a string"
        raise InvalidRequest(issues=[Issue("body", "value", message)])
    return given[0], body[given[0]]
