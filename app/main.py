"""The application: mounts dialects, own REST, media and operations, and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp

from app.api.routes import create_api
from app.dialects.luma.routes import PREFIX as DREAM_MACHINE
from app.dialects.luma.routes import create_dialect as create_dream_machine
from app.dialects.luma_agents.routes import PREFIX as LUMA_AGENTS
from app.dialects.luma_agents.routes import create_dialect as create_luma_agents
from app.dialects.onemin.routes import create_dialect as create_onemin
from app.dialects.openai.routes import PREFIX as OPENAI
from app.dialects.openai.routes import create_dialect as create_openai
from app.dialects.openrouter.routes import PREFIX as OPENROUTER
from app.dialects.openrouter.routes import create_dialect as create_openrouter
from app.http import guides, home, media, ops
from app.http.cors import Cors
from app.http.middleware import RequestContext
from app.http.plain import Plain
from app.openapi import routes as openapi
from app.runtime import ApiRuntime
from app.web import built
from app.web.routes import PREFIX as PAGES
from app.web.routes import create_pages
from app.web.sessions import Sessions


def create_app(rt: ApiRuntime) -> ASGIApp:
    app, pages = ops.create_bare(), built.load(built.FOLDER)
    app.state.leads_to = f"{rt.settings.base_path}{PAGES}/" if pages else None
    app.add_api_route(
        "/media/{generation_id}", media.get_media, methods=["GET", "HEAD"], name="get_media"
    )
    app.add_api_route(
        "/media/shares/{share_id}",
        media.get_shared_media,
        methods=["GET", "HEAD"],
        name="get_shared_media",
    )
    app.add_api_route("/", home.get_home, methods=["GET", "HEAD"], name="get_home")
    app.add_api_route(PAGES, home.lead_to_pages, methods=["GET", "HEAD"], name="lead_to_pages")
    app.add_api_route("/guides", home.get_guides, methods=["GET", "HEAD"], name="get_guides")
    app.add_api_route(
        "/guides/{name:path}", guides.get_guide, methods=["GET", "HEAD"], name="get_guide"
    )
    ops.add_routes(app, rt, for_operators=not rt.settings.operations_apart)
    # Dialects are separate applications with their own middleware and do not pass through this
    # one's. More specific prefixes come first: routes are tried in this order.
    mounts = [
        *openapi.routes(rt.catalog, address=rt.settings.link_base),
        Mount("/api/v1", create_api()),
        Mount("/api", create_onemin()),
        Mount(OPENAI, create_openai()),
        Mount(DREAM_MACHINE, create_dream_machine()),
        Mount(LUMA_AGENTS, create_luma_agents()),
        Mount(OPENROUTER, create_openrouter()),
        Mount(PAGES, create_pages(pages)),
    ]
    edges: ASGIApp = Router(mounts, redirect_slashes=False, default=app)
    edges = Plain(edges, mounts=mounts)
    edges = Sessions(edges, runtime=rt)
    edges = Cors(edges, origins=rt.settings.cors_origins)
    return RequestContext(edges, runtime=rt, paths=cache(partial(_paths, app, mounts)))


def _paths(app: FastAPI, mounts: Sequence[BaseRoute]) -> list[str]:
    """All there are. The framework takes long to work out what it has, so this is asked for only
    once one was missed."""
    applications = {"": app}
    for mount in mounts:
        if isinstance(mount, Mount):
            assert isinstance(mount.app, FastAPI)
            applications[mount.path] = mount.app
    documents = [one.path for one in mounts if isinstance(one, Route)]
    return documents + [
        f"{prefix}{route.path}"
        for prefix, one in applications.items()
        for route in iter_route_contexts(one.routes)
        if route.path is not None
    ]
