"""The built pages, as the package brings them: read once, sent from memory, never written to."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

#: Where `make pages` puts what it builds.
FOLDER = Path(__file__).with_name("dist")
INDEX = "index.html"
#: Encodings that the build adds, the smallest first → the ending of their files.
ENCODINGS = {"br": ".br", "gzip": ".gz"}


@dataclass(frozen=True, slots=True)
class File:
    """`bodies` are by encoding; the file itself is `identity`."""

    kind: str
    tag: str
    bodies: dict[str, bytes] = field(repr=False)


@cache
def load(folder: Path) -> dict[str, File]:
    """By path. Empty if the pages have not been built."""
    found = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in ENCODINGS.values() and path.name[0] != "."
    }
    return found if INDEX in found else {}


def _read(path: Path) -> File:
    bodies = {"identity": path.read_bytes()}
    for encoding, ending in ENCODINGS.items():
        encoded = path.with_name(path.name + ending)
        if encoded.is_file():
            bodies[encoding] = encoded.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json")):
        kind += "; charset=utf-8"
    return File(kind, hashlib.sha256(bodies["identity"]).hexdigest()[:32], bodies)
