"""The gateway's own REST: all its routes."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from app.api import (
    account,
    admin,
    audit,
    corrections,
    credit_requests,
    estimates,
    events,
    generations,
    grants,
    inputs,
    keys,
    managed_generations,
    managed_models,
    managed_webhooks,
    members,
    models,
    notices,
    overview,
    pauses,
    prices,
    sessions,
    shares,
    sign_in_requests,
    statements,
    teams,
    upstream_keys,
    usage,
    webhooks,
)
from app.http import errors

#: The path where it is mounted.
PREFIX = "/api/v1"
#: More specific paths come first.
ROUTERS: tuple[APIRouter, ...] = (
    estimates.router,
    generations.router,
    shares.router,
    inputs.router,
    events.router,
    webhooks.router,
    account.router,
    sessions.router,
    notices.router,
    usage.router,
    models.router,
    credit_requests.own,
    credit_requests.router,
    keys.own,
    admin.router,
    managed_generations.router,
    managed_models.router,
    managed_webhooks.router,
    overview.router,
    pauses.router,
    upstream_keys.router,
    audit.router,
    teams.router,
    members.router,
    sign_in_requests.router,
    keys.router,
    grants.router,
    corrections.router,
    prices.router,
    statements.router,
)


@cache
def create_api() -> FastAPI:
    app = describe_api()
    errors.install(app, errors.problem, media_type="application/problem+json")
    return app


def describe_api() -> FastAPI:
    """Its routes only: the OpenAPI document needs no more."""
    app = FastAPI(
        title="Reelgate",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    # Not `include_router`, which makes all routes a second time, with their dependencies and
    # validators. The routers bring all that they are included with, but for the operation ids.
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            route.unique_id = route.name
            app.router.routes.append(route)
    return app
