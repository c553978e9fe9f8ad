"""The prose, code, links and headings of the project's Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.structure.sources import read, tracked

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every tracked Markdown file."""
    return [path for path in tracked() if path.suffix == ".md"]


@cache
def fences(path: Path) -> tuple[tuple[str, str], ...]:
    """(language, text) of each fenced block."""
    return tuple((found[1], found[2]) for found in _FENCE.finditer(read(path)))


@cache
def prose(path: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCE.sub("", read(path))


def spans(path: Path) -> list[str]:
    """Inline code."""
    return _SPAN.findall(prose(path))


def snippets(path: Path) -> list[str]:
    """Code that may contain commands: inline code, and the lines of shell blocks, with
    continuations joined and comments removed."""
    lines: list[str] = []
    for language, text in fences(path):
        if language in ("sh", "bash", "shell", ""):
            joined = text.replace("\\\n", " ")
            lines += [line.partition("  #")[0] for line in joined.splitlines()]
    return spans(path) + lines


def links(path: Path) -> Iterator[tuple[str, str]]:
    """(file, anchor) of each link within the project. `file` is empty for the document itself."""
    for target in _LINK.findall(_SPAN.sub("", prose(path))):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that GitHub makes from headings. A repeated heading gets a number."""
    made: list[str] = []
    for heading in _HEADING.findall(prose(path)):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        again = sum(re.fullmatch(re.escape(plain) + r"(-\d+)?", one) is not None for one in made)
        made.append(f"{plain}-{again}" if again else plain)
    return frozenset(made)
