"""What callers reach through a proxy: every path of the gateway but those of its operators, as the
documents say."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.domain.catalog.catalog import BUILT_IN
from app.http.middleware import RequestContext
from app.http.ops import add_routes, create_bare
from app.main import create_app
from app.settings import Settings
from tests.proxies.place import Place
from tests.structure.sources import read

_RUNTIME = cast(Any, SimpleNamespace(settings=Settings(_env_file=None), catalog=BUILT_IN))
_ID = "18c9b579-e114-4184-9746-52a635d00566"


def operators() -> set[str]:
    app = create_bare()
    add_routes(app, _RUNTIME, for_operators=True)
    return {str(getattr(route, "path", "")) for route in app.routes}


def callers() -> set[str]:
    app = create_app(_RUNTIME)
    assert isinstance(app, RequestContext)
    return set(app.paths()) - operators()


def test_the_documents_name_every_path() -> None:
    said = re.search(r"It publishes (.*?), and neither (.*?)\.\s", read("docs/operations.md"), re.S)
    assert said
    published, kept = ({*re.findall(r"`(/[^`]*)`", part)} for part in said.groups())
    assert kept == operators()
    prefixes = {path: published & {path, *_above(path)} for path in callers()}
    assert [path for path, found in prefixes.items() if not found] == []
    assert published == set().union(*prefixes.values()), "each leads somewhere"


def _above(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:length]) for length in range(2, len(parts))}


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_a_proxy_publishes_what_callers_need_and_nothing_else(place: Place, kind: str) -> None:
    http = place.fronts[kind].http

    def answered(path: str) -> bool:
        """Whether the gateway did, and not the proxy for it."""
        answer = http.get(path, headers={"X-Request-Id": "published"})
        assert "reelgate_" not in answer.text
        return bool(answer.headers.get("X-Request-Id") == "published")

    public = {re.sub(r"\{[^}]*\}", _ID, path) for path in callers()}
    assert {"/api/features", f"/api/results/{_ID}", "/v1/videos", "/api/v1/events"} <= public
    assert [path for path in public if not answered(path)] == []
    # Nor by another spelling. What is not there at all the gateway says in its own words.
    for path in operators():
        for spelling in (path, f"{path}/", f"{path}/x", f"{path}?x"):
            assert not answered(spelling), spelling
        encoded = f"/%{ord(path[1]):x}{path[2:]}"
        for spelling in (f"/{path}", path.upper(), f"/v1/..{path}", encoded):
            answered(spelling)
    assert answered("/_simulator/rules")
