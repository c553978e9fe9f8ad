"""Films that simulators of this process have rendered: each costs most of a second of a core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_RENDERED: dict[str, bytes] = {}


@asynccontextmanager
async def rendered_once(simulator_folder: Path) -> AsyncIterator[None]:
    """A simulator with one film for each set of options finds there what earlier ones rendered, in
    files of its own, and what it renders later ones find."""
    reels = simulator_folder / "reels"
    _lay_out(reels)
    try:
        yield
    finally:
        _keep(reels)


def _lay_out(reels: Path) -> None:
    reels.mkdir()
    for name, film in _RENDERED.items():
        (reels / name).write_bytes(film)


def _keep(reels: Path) -> None:
    for path in reels.glob("*.mp4"):
        if path.name not in _RENDERED:
            _RENDERED[path.name] = path.read_bytes()
