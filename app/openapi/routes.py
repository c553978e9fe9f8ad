"""`/api/v1/openapi.json` and `/docs`: the document, and Swagger UI to read and try it.

This process serves everything that the page needs, so that it works in a closed network. Its
content security policy allows nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from fastapi_swagger import resources
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.openapi import document

DOCUMENT_PATH = "/api/v1/openapi.json"
DOCS_PATH = "/docs"
_BESIDE = DOCS_PATH[1:]
#: As it lies beside the package in the repository: to write it takes seconds. An installed wheel
#: has none.
_KEPT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
#: The same for everybody, until another version is installed.
_CACHED = {"Cache-Control": "public, max-age=300"}

# Relative paths, so that the page also works where a proxy serves it below a path.
_PAGE = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reelgate API</title>
<link rel="icon" href="{_BESIDE}/favicon-32x32.png">
<link rel="stylesheet" href="{_BESIDE}/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="{_BESIDE}/swagger-ui-bundle.js"></script>
<script type="module" src="{_BESIDE}/start.js"></script>
</body>
</html>
"""
# The page keeps the key only in memory: it is gone when the page is closed.
# It calls whatever served it, which need not be the public address that the document names.
_START = f"""\
const answer = await fetch("{DOCUMENT_PATH[1:]}");
const spec = await answer.json();
spec.servers = [{{ url: new URL(".", document.baseURI).pathname, description: "This gateway." }}];
SwaggerUIBundle({{
  spec,
  dom_id: "#api",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
}});
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


def routes(catalog: Catalog, *, address: str) -> list[Route]:
    """Mounted before the applications. `address` is the public one."""
    return [
        Route(DOCUMENT_PATH, _document(catalog, address), name="get_document"),
        Route(DOCS_PATH, get_page, name="get_docs"),
        Route(f"{DOCS_PATH}/start.js", get_start, name="get_docs_start"),
        *(
            Route(f"{DOCS_PATH}/{name}", _file(name, kind), name=f"get_docs_{name}")
            for name, kind in _FILES.items()
        ),
    ]


@cache
def _written(catalog: Catalog) -> str:
    if catalog is BUILT_IN and _KEPT.is_file():
        return _KEPT.read_text()
    return document.written(catalog)


def _document(catalog: Catalog, address: str) -> Callable[[Request], Awaitable[Response]]:
    async def get_document(_request: Request) -> Response:
        # The document's one server: programs that import it call what stands there.
        written = await asyncio.to_thread(_written, catalog)
        served = written.replace('"url": "/"', f'"url": {json.dumps(address)}', 1)
        return Response(served, media_type="application/json", headers=_CACHED)

    return get_document


async def get_page(_request: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, **_CACHED})


async def get_start(_request: Request) -> Response:
    return Response(_START, media_type="text/javascript", headers=_CACHED)


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    path = Path(str(resources.__file__)).with_name(name)

    async def get_file(_request: Request) -> Response:
        return FileResponse(path, media_type=kind, headers=_CACHED)

    return get_file
