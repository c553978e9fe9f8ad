"""`GET /models`: what the upstream makes. It needs no key."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.simulator import models
from app.simulator.refusals import JsonAnswer
from app.simulator.state import simulator_of


async def list_models(request: Request) -> Response:
    simulator = simulator_of(request)
    feature = request.query_params.get("feature")
    simulator.log_request(request, "models", "listed")
    return JsonAnswer(models.listed(simulator.config.catalog, feature, simulator.changes))
