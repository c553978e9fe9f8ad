"""What a process of a run takes for granted and the run can upset: the time, and a disk with room.

`python -m tests.chaos.rig …` is `reelgate …` with two things around it that are asked again at each
use, and with a breaker that is open only briefly, so that a run sees many probes and trials. The
product has no such thing in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

_VARIABLE = "CHAOS_RIG"
_ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "tests.chaos.rig")
#: Each piece of a video, where the archive is slow.
_SLOW_SECONDS = 1.0
#: How long a breaker stays open before it is first probed.
_BREAKER_SECONDS = 1.0
#: What the store's library says of a folder that is full.
_FULL = "Unable to copy data to file: No space left on device (os error 28)"


@dataclass(frozen=True, slots=True)
class Rigged:
    """How much the clock is ahead, and how the archive takes bytes: `sound`, `slow`, `full`."""

    ahead_seconds: float = 0.0
    archive: str = "sound"


class Rig:
    """The run's end of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = Rigged()

    @property
    def settings(self) -> dict[str, str]:
        return {_VARIABLE: str(self._path), "PYTHONPATH": str(_ROOT)}

    def turn(self, rigged: Rigged) -> None:
        """Whole at once: the process may read at any moment."""
        self.now = rigged
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(rigged)))
        draft.rename(self._path)


def _rigged() -> Rigged:
    try:
        return Rigged(**json.loads(Path(os.environ[_VARIABLE]).read_text()))
    except FileNotFoundError:
        return Rigged()


def now(_: object) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_rigged().ahead_seconds)


class Writer:
    """A writer of the store's library: slow, or out of room in the middle of a piece."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    async def __aenter__(self) -> Self:
        await self._writer.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._writer.__aexit__(*error)

    async def write(self, block: bytes) -> None:
        match _rigged().archive:
            case "slow":
                await asyncio.sleep(_SLOW_SECONDS)
            case "full":
                await self._writer.write(block[: len(block) // 2])
                raise OSError(_FULL)
        await self._writer.write(block)

    async def close(self) -> None:
        await self._writer.close()


def main() -> None:
    import obstore

    from app.cli import main as reelgate
    from app.runtime import Clock
    from app.worker import upstream_keys

    opened = obstore.open_writer_async
    for owner, name, rigged in (
        (Clock, "now", now),
        (upstream_keys, "BREAKER_SECONDS", _BREAKER_SECONDS),
        (obstore, "open_writer_async", lambda *what, **how: Writer(opened(*what, **how))),
    ):
        setattr(owner, name, rigged)
    reelgate()


if __name__ == "__main__":
    main()
