"""The ASGI app that stands in for 1min.ai.

POST /api/features            a submission; a prompt that contains [sim:name] meets that fault
GET  /api/results/{uuid}      a record
GET  /asset.1min.ai/{key}     a film, through a signed link
/_simulator/faults            what can go wrong, with options and defaults
/_simulator/script            POST a rule {match, times, fault}, GET the rules, DELETE them all
/_simulator/books             every submission and what was billed
/_simulator/account           POST credit limit, used credit, rejection of one key or of all
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.simulator import control
from app.simulator.config import SERVER_NAME, SimulatorConfig
from app.simulator.downloads import download
from app.simulator.features import submit
from app.simulator.links import BUCKET
from app.simulator.refusals import Refusal
from app.simulator.results import look_up
from app.simulator.state import Studio, log


class SignsAnswers:
    """Says on every answer that this is not the real thing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Server"] = SERVER_NAME
            await send(message)

        await self.app(scope, receive, signed if scope["type"] == "http" else send)


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"Cannot {request.method} {request.url.path}"
    return Refusal(error.status_code, "HTTP_EXCEPTION", message, headers=error.headers).answer()


def create_simulator(config: SimulatorConfig, *, now: Callable[[], float] = time.time) -> Starlette:
    """`now` is the wall clock, in seconds since 1970; renders and links follow it."""
    studio = Studio(config, now)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        log.info(
            "Simulated 1min.ai: nothing is sent there and nothing costs anything "
            "(%g times faster than life, books in %s)",
            config.speed,
            config.data_dir,
        )
        yield
        studio.close()

    app = Starlette(
        routes=[
            Route("/api/features", submit, methods=["POST"]),
            Route("/api/results/{uuid}", look_up, methods=["GET"]),
            Route(f"/{BUCKET}/{{key:path}}", download, methods=["GET"]),
            *(control.ROUTES if config.control else []),
        ],
        middleware=[Middleware(SignsAnswers)],
        exception_handlers={HTTPException: _not_here},
        lifespan=lifespan,
    )
    app.state.studio = studio
    return app
