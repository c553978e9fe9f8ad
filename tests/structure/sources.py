"""The project's files, for tests that check rules about them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Files with a limited length; prose may be longer.
SOURCE_SUFFIXES = frozenset(
    {".py", ".sql", ".js", ".mjs", ".jsx", ".ts", ".tsx", ".css", ".html", ".sh"}
)
#: The only files that are no text: pictures of the documents.
IMAGES = Path("docs/images")
MOST_BYTES = 60_000


@cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file that exists, relative to the repository's root. In an unpacked archive,
    which has no repository, every file outside hidden folders."""
    if not (ROOT / ".git").exists():
        return tuple(sorted(_unpacked()))
    listed = subprocess.run(
        # Git refuses a checkout that another user owns, which is common on build machines.
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return tuple(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


def _unpacked() -> Iterator[Path]:
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        hidden = any(p.startswith(".") or p in ("__pycache__", "data") for p in inside.parts[:-1])
        if path.is_file() and not hidden:
            yield inside


def images() -> list[Path]:
    return [path for path in tracked() if path.parent == IMAGES and path.suffix == ".webp"]


def texts() -> list[Path]:
    """All but the images. Whoever reads them fails at any other file that is no text."""
    return [path for path in tracked() if path not in images()]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix in SOURCE_SUFFIXES]


def python(*folders: str) -> list[Path]:
    """Python files below these folders of the repository."""
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in folders]


def read(path: Path | str) -> str:
    return (ROOT / path).read_text()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(read(path), str(path))


@cache
def imported(path: Path) -> frozenset[str]:
    """The top-level packages that a file imports, at any place in it."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


@cache
def mentions(path: Path) -> tuple[tuple[int, str], ...]:
    """(line, dotted name) of every attribute access, such as `datetime.now` or `transitions.move`,
    whether it is called or only passed on."""
    return tuple(
        (node.lineno, dotted(node))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
    )


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
