"""Rendered files on disk: made when first asked for, once, off the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from app.domain.generation import Spec
from app.simulator import film

RENDER_THREADS = 2


class Reels:
    """The threads spend their time in the encoder, outside the interpreter lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool: ThreadPoolExecutor | None = None
        self._renders: dict[str, asyncio.Task[None]] = {}

    async def get(self, spec: Spec, uuid: UUID, *, name: str) -> Path:
        """The finished file; callers of one that is being rendered share the render."""
        path = self.folder / f"{name}.mp4"
        if path.exists():
            return path
        if name not in self._renders:
            render = asyncio.create_task(self._render(path, spec, uuid))
            self._renders[name] = render
            render.add_done_callback(lambda _: self._renders.pop(name, None))
        await asyncio.shield(self._renders[name])  # one caller's hang-up is not the others'
        return path

    async def _render(self, path: Path, spec: Spec, uuid: UUID) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="reels")
        await asyncio.get_running_loop().run_in_executor(self._pool, _write, path, spec, uuid)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _write(path: Path, spec: Spec, uuid: UUID) -> None:
    """Under another name first: a killed process leaves no half a film under the real one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    film.render(unfinished, spec, uuid)
    unfinished.replace(path)
