"""`/livez`, `/readyz`, `/metrics`: for operators and their machines.

None of them asks for a key. What only operators need, the metrics and the details of readiness, is
on a port of its own in production, which callers do not reach.
"""

from __future__ import annotations

import contextlib
from typing import Any

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from app import __version__
from app.db import conditions, generations, health, jobs, migrate, pauses, upstream_keys
from app.errors import Unavailable
from app.http import errors
from app.http.access import runtime_of
from app.http.middleware import RequestContext
from app.http.shared import Shared
from app.operators import gauges
from app.runtime import ApiRuntime

#: Without a sign of life for so long, nobody is working.
WORKER_SILENCE_SECONDS = 30.0
#: By more than this, the expiry of links and the logs of processes disagree visibly.
CLOCK_TOLERANCE_SECONDS = 2.0
#: What a balancer goes by. All others are remarks, and always good.
_PUBLIC_CHECKS = frozenset({"process", "database", "migrations", "worker"})


def create_operations(rt: ApiRuntime) -> ASGIApp:
    """What is on the operations port."""
    app = create_bare()
    add_routes(app, rt, for_operators=True)
    return RequestContext(app, runtime=rt)


def create_bare() -> FastAPI:
    """An application without routes, whose errors are problem details."""
    app = FastAPI(title="Reelgate", docs_url=None, redoc_url=None, openapi_url=None,
                  redirect_slashes=False)  # fmt: skip
    errors.install(app, errors.problem, media_type="application/problem+json")
    return app


def add_routes(app: FastAPI, rt: ApiRuntime, *, for_operators: bool) -> None:
    app.state.readiness = Shared(lambda: readiness(rt))
    app.state.refresh = Shared(lambda: _refresh(rt))
    routes = {"/livez": livez, "/readyz": readyz if for_operators else readyz_in_short}
    if for_operators:
        routes["/metrics"] = metrics
    for path, answer in routes.items():
        app.add_api_route(path, answer, methods=["GET", "HEAD"], name=path.strip("/"))


async def livez(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 where a create would be taken and worked on; else 503 and what is missing."""
    return _ready(await _checks(request), version=__version__)


async def readyz_in_short(request: Request) -> Response:
    """The same without what operators alone need: versions, and how work and keys stand."""
    checks = await _checks(request)
    return _ready({name: {"ok": checks[name]["ok"]} for name in checks if name in _PUBLIC_CHECKS})


async def _checks(request: Request) -> dict[str, dict[str, Any]]:
    rt = runtime_of(request)
    if rt.draining:
        return {"process": {"ok": False, "detail": "stopping"}}
    checks: dict[str, dict[str, Any]] = await request.app.state.readiness()
    return checks


def _ready(checks: dict[str, dict[str, Any]], **more: str) -> Response:
    ready = all(check["ok"] for check in checks.values())
    return JSONResponse(
        {"status": "ready" if ready else "not_ready", **more, "checks": checks},
        200 if ready else 503,
        headers={} if ready else {"Retry-After": "2"},
    )


async def readiness(rt: ApiRuntime) -> dict[str, dict[str, Any]]:
    if rt.draining:
        return {"process": {"ok": False, "detail": "stopping"}}
    seen = unknown = None
    offset = 0.0
    paused: list[str] = []
    keys: dict[str, bool] = {}
    try:
        async with rt.db.single() as tx:
            if unmet := await conditions.unmet(tx, rt.db):
                details = "; ".join(one.detail for one in unmet)
                return {"database": {"ok": False, "detail": f"{details}; see `reelgate doctor`"}}
            schema = await migrate.schema_of(tx)
            # An older schema may not have what these queries read.
            if schema.serves:
                offset = await health.clock_offset_seconds(tx, rt.clock.now().timestamp())
                seen = await jobs.worker_seen_seconds(tx)
                unknown = await generations.unknown(tx)
                paused = [one.name.value for one in await pauses.states(tx) if one.paused]
                keys = await upstream_keys.usable_by_label(tx)
    except Unavailable:
        return {"database": {"ok": False, "detail": "cannot be reached"}}
    working = seen is not None and seen < WORKER_SILENCE_SECONDS
    checks: dict[str, dict[str, Any]] = {
        "database": {"ok": True},
        "migrations": {"ok": schema.serves, "detail": schema.detail},
        "worker": {
            "ok": working,
            "detail": "none registered" if seen is None else f"last seen {seen:.0f} s ago",
        },
    }
    # Only remarks: an operator has to act, and no other process would be better off.
    if abs(offset) > CLOCK_TOLERANCE_SECONDS:
        checks["clock"] = {
            "ok": True,
            "detail": f"{offset:+.1f} s from the database's; see `reelgate doctor`",
        }
    if paused:
        what = " and ".join(paused)
        checks["paused"] = {"ok": True, "detail": f"{what}, by an operator; see `reelgate resume`"}
    if keys and not any(keys.values()):
        checks["upstream"] = {
            "ok": True,
            "detail": "no upstream key is in use; see `reelgate upstream list`",
        }
    if unknown is not None and unknown.count:
        checks["unknown"] = {
            "ok": True,
            "detail": f"{unknown.count} generations, the oldest for "
            f"{unknown.oldest_seconds:.0f} s; see `reelgate unknown list`",
        }
    return checks


async def metrics(request: Request) -> Response:
    """This process's counters, and gauges read from the database now."""
    await request.app.state.refresh()
    registry = runtime_of(request).metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _refresh(rt: ApiRuntime) -> None:
    with contextlib.suppress(Unavailable):
        await gauges.refresh(rt)
