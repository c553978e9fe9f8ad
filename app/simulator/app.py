"""The ASGI app that stands in for 1min.ai.

POST /api/features            a submission; [sim:name] in its prompt triggers that fault
GET  /api/results/{uuid}      a record
POST /api/assets              an upload
GET  /asset.1min.ai/{key}     a video, through a signed link
GET  /models?feature=…        the models of a feature, for anybody
/_simulator/faults            every fault, with its options and their defaults
/_simulator/rules             POST a rule {match, times, fault}; GET or DELETE all rules
/_simulator/summary           every submission and what was billed
/_simulator/models            POST a list of differences of the models that are listed
/_simulator/account           POST the credit limit, used credit or rejection of one key or of all
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
from app.simulator.assets import upload
from app.simulator.config import SERVER_NAME, SimulatorConfig
from app.simulator.downloads import download
from app.simulator.features import submit
from app.simulator.links import BUCKET
from app.simulator.listing import list_models
from app.simulator.refusals import Refusal
from app.simulator.results import look_up
from app.simulator.state import Simulator, log


class ServerHeader:
    """Every answer names the simulator in its `Server` header, so that it is never mistaken for
    1min.ai."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Server"] = SERVER_NAME
            await send(message)

        await self.app(scope, receive, send_named if scope["type"] == "http" else send)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"Cannot {request.method} {request.url.path}"
    return Refusal(error.status_code, "HTTP_EXCEPTION", message, headers=error.headers).answer()


def create_simulator(config: SimulatorConfig, *, now: Callable[[], float] = time.time) -> Starlette:
    """`now` is the wall clock in seconds since 1970; renders and links depend on it."""
    simulator = Simulator(config, now)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        log.info(
            "Simulating 1min.ai: nothing is sent there and nothing is charged "
            "(renders %g times faster than real ones; data in %s)",
            config.speed,
            config.data_dir,
        )
        try:
            yield
        finally:
            simulator.close()

    app = Starlette(
        routes=[
            Route("/api/features", submit, methods=["POST"]),
            Route("/api/results/{uuid}", look_up, methods=["GET"]),
            Route("/api/assets", upload, methods=["POST"]),
            Route("/models", list_models, methods=["GET"]),
            Route(f"/{BUCKET}/{{key:path}}", download, methods=["GET"]),
            *(control.ROUTES if config.control else []),
        ],
        middleware=[Middleware(ServerHeader)],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.simulator = simulator
    return app
