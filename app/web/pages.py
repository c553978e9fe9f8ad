"""Answers with the files of the built pages; every address of a page is the same document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from app.errors import NotFound
from app.http.pages import page
from app.web.built import ENCODINGS, INDEX, File

#: Below it, names change with their contents.
_ASSETS = "assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
        "media-src 'self' blob:", "connect-src 'self'", "font-src 'self'", "manifest-src 'self'",
        "base-uri 'self'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
_OF_INDEX = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # With none at all, browsers send `Origin: null`.
    "Referrer-Policy": "same-origin",
}
#: In the built document. Its files are relative to the folder of the pages, wherever that is.
_BASE = b'<base href="./"'
_MISSING = """<h1>The pages are not built</h1>
<p>This gateway runs, and its API answers; only its pages are missing. They are built by
<code>make pages</code>, which needs the network once, and then the gateway must start again.
Packages and images of a release have them.</p>
<p><a href="docs">Try the API</a> · <a href="guides">First calls and guides</a></p>"""


def answer(files: Mapping[str, File], request: Request, path: str) -> Response:
    """`path` is what follows the pages' own. Raises `NotFound`."""
    file = files.get(path)
    if file is not None and path != INDEX:
        return _file(request, file, immutable=path.startswith(_ASSETS))
    if path.startswith(_ASSETS):
        raise NotFound("These pages are of another release: reload them.")
    index = files.get(INDEX)
    return _missing(path) if index is None else _document(request, index, path)


def _missing(path: str) -> Response:
    response = page(
        "Reelgate", _MISSING.replace('href="', f'href="{"../" * (path.count("/") + 1)}')
    )
    response.status_code = 503
    return response


def _document(request: Request, index: File, path: str) -> Response:
    """With the way from this address to the folder of the pages. So no path of a proxy needs to be
    known, and nothing on disk is changed for it."""
    body = index.bodies["identity"]
    deep = path.count("/")
    if deep:
        body = body.replace(_BASE, b'<base href="' + b"../" * deep + b'"', 1)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_OF_INDEX, "ETag": tag}
    if _is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=index.kind, headers=headers)


def _file(request: Request, file: File, *, immutable: bool) -> Response:
    encoding = _best(request.headers.get("accept-encoding", ""), file)
    tag = f'"{file.tag}-{encoding}"'
    headers = {
        "Cache-Control": _FOR_EVER if immutable else "no-cache",
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if _is_known(request, tag):
        return Response(status_code=304, headers=headers)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(file.bodies[encoding], media_type=file.kind, headers=headers)


def _is_known(request: Request, tag: str) -> bool:
    return tag in request.headers.get("if-none-match", "")


def _best(accepted: str, file: File) -> str:
    """The smallest that the client takes. Weights do not matter but for 0 (RFC 9110, 12.5.3)."""
    taken = set()
    for part in accepted.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if weight.replace(" ", "").rstrip("0.") != "q=":
            taken.add(name.strip())
    return next((one for one in ENCODINGS if one in taken and one in file.bodies), "identity")
