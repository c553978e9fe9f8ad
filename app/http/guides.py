"""The guides of `docs/` as pages under `/guides`, and their examples.

They are read from the repository, beside the package; without it the gateway has no guides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.http.pages import page

if TYPE_CHECKING:
    from markdown_it.token import Token

_DOCS = Path(__file__).resolve().parents[2] / "docs"
#: A block, and the name of its file if the line above ends with one.
_FENCE = re.compile(r"(?:`([\w.-]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Of no use beside the pages themselves, which whoever reads a guide has at hand.
_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n+", re.MULTILINE)
#: In the order of the list. The other documents are for people who change the code.
_NAMES = (
    "guide", "clients/openai", "clients/luma", "clients/luma-agents", "clients/openrouter",
    "clients/litellm",
    "clients/rest", "clients/typescript", "clients/python-generated", "clients/web-page", "live",
    "pages", "sign-in",
    "webhooks", "budgets", "managing", "operations", "upstream-credits", "containers", "backup",
    "reliability", "reference",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guide:
    """`path` is that of its page, without the leading slash."""

    path: str
    title: str
    text: str

    def examples(self, language: str) -> list[str]:
        """As one pastes them into a shell: a block with the name of a file writes that file."""
        return [
            f"cat > {found[1]} <<'END'\n{found[3]}END\n" if found[1] else found[3]
            for found in _FENCE.finditer(self.text)
            if found[2] == language
        ]


@cache
def guides() -> Mapping[str, Guide]:
    """By file name, without the extension."""
    found = {}
    models = sorted(file.stem for file in (_DOCS / "models").glob("*.md"))
    for name in (*_NAMES, *(f"models/{model}" for model in models)):
        file = _DOCS / f"{name}.md"
        if file.is_file():
            text = _PICTURE.sub("", file.read_text())
            title = text.partition("\n")[0].removeprefix("# ")
            found[name] = Guide(f"guides/{name}.md", title, text)
    return found


async def get_guide(request: Request) -> Response:
    # The names may have their extension, so that links between the files also work between pages.
    name: str = request.path_params["name"].removesuffix(".md")
    guide = guides().get(name)
    if guide is None:
        raise HTTPException(404)
    return page(
        guide.title,
        f'<p><a href="{_home(name)}guides">First calls and guides</a></p>\n{_body(name)}',
    )


@cache
def _body(name: str) -> str:
    # Many modules, for pages that most processes never show.
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(guides()[name].text)
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(following.content))
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                _lead(name, child)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _lead(name: str, link: Token) -> None:
    """Turns a link between files of the repository into one between pages. If the target is not a
    page, such as the changelog, only the text stays."""
    href = str(link.attrs["href"])
    if "://" in href or href.startswith("#"):
        return
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), href.partition("#")[0]))
    if target == "openapi.json":
        link.attrs["href"] = f"{_home(name)}api/v1/openapi.json"
    elif target.removesuffix(".md") not in guides():
        del link.attrs["href"]


def _home(name: str) -> str:
    """The path from a guide's page to `/`: relative, since a proxy may serve it below a path."""
    return "../" * (name.count("/") + 1)


def _anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading, since the files link to each other's sections."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
