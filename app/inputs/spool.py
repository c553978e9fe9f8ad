"""An image while it is received: a file on this machine's disk, of bounded size, hashed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from app.errors import PayloadTooLarge, Unavailable

_BLOCK_BYTES = 1 << 20


class Spool:
    """`name` is what its sender calls it."""

    def __init__(self, file: IO[bytes], *, max_bytes: int) -> None:
        self.name: str | None = None
        self.size = 0
        self._file = file
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def write(self, content: bytes | bytearray) -> None:
        """Raises `PayloadTooLarge`, and `Unavailable` if the disk is full."""
        self.size += len(content)
        if self.size > self._max_bytes:
            raise PayloadTooLarge(f"An image must have at most {self._max_bytes} bytes.")
        await asyncio.to_thread(self._write, content)

    async def replace(self, content: bytes) -> None:
        """Raises what `write` raises."""
        await asyncio.to_thread(os.ftruncate, self._file.fileno(), 0)
        self._file.seek(0)
        self.size, self._digest = 0, hashlib.sha256()
        await self.write(content)

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        self._file.seek(0)
        while block := await asyncio.to_thread(self._file.read, _BLOCK_BYTES):
            yield block

    def _write(self, content: bytes | bytearray) -> None:
        self._digest.update(content)
        try:
            self._file.write(content)
        except OSError as error:
            raise Unavailable("The gateway cannot store an image at the moment.") from error


@asynccontextmanager
async def spooling(*, max_bytes: int) -> AsyncIterator[Spool]:
    """Until the block ends. Raises `Unavailable`."""
    try:
        file = await asyncio.to_thread(
            lambda: tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed below
                "w+b", prefix="reelgate-input-", buffering=0
            )
        )
    except OSError as error:
        raise Unavailable("The gateway cannot store an image at the moment.") from error
    try:
        yield Spool(file, max_bytes=max_bytes)
    finally:
        file.close()
