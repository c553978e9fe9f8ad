"""Shares the simulator's renders among the tests of a process: each takes most of a CPU second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_RENDERED: dict[str, bytes] = {}


@asynccontextmanager
async def shared_renders(simulator_folder: Path) -> AsyncIterator[None]:
    """Copies the renders of earlier simulators into this one's cache, and keeps its new ones.

    The simulator must run with `one_video_for_all`: only then do different records share a file.
    """
    folder = simulator_folder / "renders"
    folder.mkdir()
    for name, video in _RENDERED.items():
        (folder / name).write_bytes(video)
    try:
        yield
    finally:
        for path in folder.glob("*.mp4"):
            if path.name not in _RENDERED:
                _RENDERED[path.name] = path.read_bytes()
