"""Rendered files on disk. Each is rendered once, at its first download, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from app.domain.catalog.spec import Spec
from app.simulator import video
from app.simulator.video import Picture

RENDER_THREADS = 2


class RenderCache:
    """Renders in threads: the encoder runs outside the interpreter lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool: ThreadPoolExecutor | None = None
        self._renders: dict[str, asyncio.Task[None]] = {}

    async def get(
        self, spec: Spec, uuid: UUID, *, name: str, pictures: Sequence[Picture] = ()
    ) -> Path:
        """The finished file, which shows the pictures. Concurrent callers share one render."""
        path = self.folder / f"{name}.mp4"
        if path.exists():
            return path
        if name not in self._renders:
            render = asyncio.create_task(self._render(path, spec, uuid, pictures))
            self._renders[name] = render
            render.add_done_callback(lambda _: self._renders.pop(name, None))
        # A caller that hangs up must not cancel the render for the others.
        await asyncio.shield(self._renders[name])
        return path

    async def _render(
        self, path: Path, spec: Spec, uuid: UUID, pictures: Sequence[Picture]
    ) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render")
        await asyncio.get_running_loop().run_in_executor(
            self._pool, _write, path, spec, uuid, pictures
        )

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _write(path: Path, spec: Spec, uuid: UUID, pictures: Sequence[Picture]) -> None:
    """Written under another name first, so that a killed process leaves no partial file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    video.render(unfinished, spec, uuid, pictures=pictures)
    unfinished.replace(path)
