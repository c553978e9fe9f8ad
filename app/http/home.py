"""`/`: what this is, and where everything is. Browsers are led to the pages, others get JSON.

A first call and the guides, for people who write programs, are below `/guides`; also at `/` where
the pages are not built.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import __version__
from app.http.access import runtime_of
from app.http.guides import guides
from app.http.pages import page

_LOCAL = "http://127.0.0.1:8080"
#: The parts of each first call: a guide, with the language and number of each of its examples.
_FIRST_CALLS = (
    ("cURL", "guide", (("sh", 0), ("sh", 1))),
    ("Python, without an SDK", "clients/rest", (("sh", 0), ("python", 0), ("sh", 1))),
    ("OpenAI's SDK for Python", "clients/openai", (("sh", 0), ("python", 0), ("sh", 1))),
    ("OpenAI's SDK for Node", "clients/openai", (("sh", 0), ("js", 0), ("sh", 2))),
    ("Luma's Dream Machine SDK for Python", "clients/luma", (("sh", 0), ("python", 0), ("sh", 1))),
    ("Luma's Dream Machine SDK for Node", "clients/luma", (("sh", 0), ("js", 0), ("sh", 2))),
    (
        "Luma's Agents SDK for Python",
        "clients/luma-agents",
        (("sh", 0), ("python", 0), ("sh", 1)),
    ),
    (
        "OpenRouter's SDK for Python",
        "clients/openrouter",
        (("sh", 0), ("python", 0), ("sh", 1)),
    ),
    ("OpenRouter's SDK for Node", "clients/openrouter", (("sh", 0), ("js", 0), ("sh", 2))),
)
_PATHS = {
    "1min.ai": "api/features",
    "REST": "api/v1",
    "OpenAI Videos": "v1",
    "Luma Dream Machine": "dream-machine/v1",
    "Luma Agents": "luma/v1",
    "OpenRouter": "openrouter/api/v1",
}
_LINKS = {"docs": "docs", "openapi": "api/v1/openapi.json"}


async def get_home(request: Request) -> Response:
    settings = runtime_of(request).settings
    base = settings.link_base
    pages: str | None = request.app.state.leads_to
    if _prefers_html(request.headers.get("Accept", "")):
        answer = await get_guides(request) if pages is None else RedirectResponse(pages)
    else:
        answer = JSONResponse(
            {
                "name": "Reelgate",
                "version": __version__,
                "simulated": settings.simulated,
                **{name: f"{base}/{path}" for name, path in _LINKS.items()},
                "apis": {name: f"{base}/{path}" for name, path in _PATHS.items()},
                "guides": {one.title: f"{base}/{one.path}" for one in guides().values()},
            }
        )
    answer.headers["Vary"] = "Accept"
    return answer


async def lead_to_pages(request: Request) -> Response:
    """Their address ends with a slash: what they link to is relative."""
    return RedirectResponse(f"{request.url.path.rpartition('/')[2]}/")


async def get_guides(request: Request) -> Response:
    settings = runtime_of(request).settings
    return page("Reelgate", _body(settings.link_base, simulated=settings.simulated))


def _prefers_html(accepted: str) -> bool:
    """Browsers list HTML before anything else that they accept."""
    html, json = accepted.find("text/html"), accepted.find("json")
    return html >= 0 and not 0 <= json < html


def _body(base: str, *, simulated: bool) -> str:
    parts = [
        "<h1>Reelgate</h1>",
        "<p>A gateway for AI video: it sends each request once, keeps every video, and holds every "
        f"member to its limits. Version {escape(__version__)}.</p>",
    ]
    if simulated:
        parts.append(
            '<p class="note">The <strong>simulator</strong> stands in for 1min.ai here: no video '
            "is real, and nothing is charged.</p>"
        )
    parts.append(
        '<p><a href="docs">Try the API</a> · <a href="api/v1/openapi.json">OpenAPI document</a></p>'
    )
    known = guides()
    parts.append("<h2>A first call</h2>")
    parts.append(
        "<p>You need a key, which begins with <code>rg_</code>. The first start prints one; an "
        "operator makes others with <code>reelgate key create</code>.</p>"
    )
    calls = []
    for title, name, examples in _FIRST_CALLS:
        if name in known:
            found = (known[name].examples(language)[number] for language, number in examples)
            calls.append((title, "\n".join(found).replace(_LOCAL, base)))
    parts += [
        f"<details{' open' if not number else ''}><summary>{escape(title)}</summary>"
        f"<pre><code>{escape(example)}</code></pre></details>"
        for number, (title, example) in enumerate(calls)
    ]
    if known:
        items = "".join(
            f'<li><a href="{escape(one.path)}">{escape(one.title)}</a></li>'
            for one in known.values()
        )
        parts.append(f"<h2>Guides</h2>\n<ul>{items}</ul>")
    return "\n".join(parts)
