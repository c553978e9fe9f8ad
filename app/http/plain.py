"""Answers the routes that are called most without the framework's way to them.

The framework documents a route and knows all that may be wrong with a request. On its way there it
passes five layers and solves a tree of dependencies anew for every request, which costs more than
what a status read does. A route that is marked with `plain` is called directly, if the path is one
that it accepts; every other request takes the framework's way, to the same function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from fastapi import FastAPI
from fastapi.params import Depends, Path
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.access import WITHOUT_FRAMEWORK

Endpoint = Callable[..., Awaitable[Response]]
E = TypeVar("E", bound=Endpoint)
#: Makes one argument of an endpoint.
Argument = Callable[[Request], Awaitable[Any]]

_MARK = "reelgate_plain"


def plain(endpoint: E) -> E:
    """Marks the function of a route whose path has at most one parameter, its last segment. It
    returns the response itself, and takes nothing but that parameter, the request, and what
    `app.http.access` gives without the framework."""
    setattr(endpoint, _MARK, True)
    return endpoint


async def _itself(request: Request) -> Request:
    return request


class _Route:
    """A marked route, and the application whose errors it answers with."""

    def __init__(self, app: FastAPI, prefix: str, route: Any, endpoint: Endpoint) -> None:
        self._app = app
        self._endpoint = endpoint
        self._scope = {"app": app, "root_path": prefix, "route": route, "endpoint": endpoint}
        self._arguments: dict[str, Argument] = {}
        self.parameter: str | None = None
        self._accepted: TypeAdapter[Any] | None = None
        for name, kind in get_type_hints(endpoint, include_extras=True).items():
            if name != "return":
                self._take(name, kind)

    def _take(self, name: str, kind: Any) -> None:
        extras = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
        depends = [extra for extra in extras if isinstance(extra, Depends)]
        if kind is Request:
            self._arguments[name] = _itself
        elif depends and depends[0].dependency is not None:
            self._arguments[name] = WITHOUT_FRAMEWORK[depends[0].dependency]
        else:
            assert any(isinstance(extra, Path) for extra in extras), f"{name}: {kind}"
            assert self.parameter is None, f"{name} is a second parameter of the path"
            self.parameter, self._accepted = name, TypeAdapter(kind)

    def values(self, segment: str) -> dict[str, Any] | None:
        """The parameter of the path; None if this is no value of it."""
        assert self.parameter is not None
        assert self._accepted is not None
        try:
            return {self.parameter: self._accepted.validate_python(segment)}
        except ValidationError:
            return None

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, values: dict[str, Any]
    ) -> None:
        scope.update(self._scope)
        request = Request(scope, receive, send)
        try:
            for name, argument in self._arguments.items():
                values[name] = await argument(request)
            response = await self._endpoint(**values)
        except Exception as error:
            response = await self._refusal(request, error)
        await response(scope, receive, send)

    async def _refusal(self, request: Request, error: Exception) -> Response:
        handlers = self._app.exception_handlers
        handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
        response: Response = await handler(request, error)  # type: ignore[misc]
        # Exceptions that are raised again and again would keep all that they ever passed.
        error.__traceback__ = None
        return response


class Plain:
    """Calls the marked routes of the mounted applications. All else goes on to `app`."""

    def __init__(self, app: ASGIApp, *, mounts: Iterable[BaseRoute]) -> None:
        self._app = app
        #: By method and path; those with a parameter by what comes before it.
        self._exact: dict[tuple[str, str], _Route] = {}
        self._begun: dict[tuple[str, str], _Route] = {}
        for mount in mounts:
            if isinstance(mount, Mount) and isinstance(mount.app, FastAPI):
                self._add(mount.path, mount.app)

    def _add(self, prefix: str, app: FastAPI) -> None:
        for context in iter_route_contexts(app.routes):
            endpoint = context.endpoint
            if endpoint is None or not getattr(endpoint, _MARK, False):
                continue
            route = _Route(app, prefix, context.original_route, endpoint)
            path = f"{prefix}{context.path}"
            routes = self._exact
            if route.parameter is not None:
                routes, path = self._begun, path.removesuffix(f"{{{route.parameter}}}")
            assert "{" not in path, path
            for method in context.methods or ():
                routes[method, path] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope)
        if found is None:
            await self._app(scope, receive, send)
        else:
            route, values = found
            await route.answer(scope, receive, send, values)

    def _find(self, scope: Scope) -> tuple[_Route, dict[str, Any]] | None:
        """The route, and the parameter of its path as it takes it."""
        if scope["type"] != "http" or scope["root_path"]:
            return None
        method, path = scope["method"], scope["path"]
        route = self._exact.get((method, path))
        if route is not None:
            return route, {}
        beginning, slash, segment = path.rpartition("/")
        route = self._begun.get((method, beginning + slash))
        values = route.values(segment) if route is not None and segment else None
        return None if route is None or values is None else (route, values)
