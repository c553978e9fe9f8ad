"""A sandbox that some files make misbehave, as a hostile one would: `python -m
tests.harness.poison`.

Such a file is a film that ends with `poison:` and the name of an action.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from app.videos import sandbox
from app.videos.mp4 import NotAVideo

PROGRAM = "tests.harness.poison"
_MARK = b"poison:"
_KEPT: list[bytes] = []


def poisoned(film: bytes, deed: str) -> bytes:
    """The film with an action that this sandbox performs when it reads it."""
    return film + _MARK + deed.encode()


def _kill(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _abort(_: str) -> None:
    os.abort()


def _spin(_: str) -> None:
    while True:
        pass


def _sleep(_: str) -> None:
    # Sooner than its limit would end it.
    if signal.alarm(1) > 1:
        time.sleep(600)


def _cling(_: str) -> None:
    """Ignores its time limit too."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(600)


def _swell(_: str) -> None:
    while True:
        _KEPT.append(bytes(1 << 20))


def _look_around(_: str) -> None:
    """Reports what it could do."""
    deeds: dict[str, Callable[[], object]] = {
        "read": lambda: Path("/etc/passwd").read_bytes(),
        "read what starts it": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
        "write": lambda: Path("/tmp/reelgate-was-here").write_bytes(b""),
        "connect": socket.socket,
    }
    found = []
    for name, deed in deeds.items():
        with contextlib.suppress(OSError):
            deed()
            found.append(name)
    found += [name for name in os.environ if not name.startswith(("PYTHON", "LC_"))]
    raise NotAVideo(f"it can {' '.join(found) or 'nothing'}")


def _say(words: str) -> None:
    """Answers with its own text."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, words.encode())
    os._exit(0)


DEEDS: dict[str, Callable[[str], None]] = {
    "kill": _kill,
    "abort": _abort,
    "spin": _spin,
    "sleep": _sleep,
    "wait": lambda _: time.sleep(600),
    "cling": _cling,
    "swell": _swell,
    "look around": _look_around,
    "say": _say,
}


def _armed(act: sandbox.Act) -> sandbox.Act:
    def read(file: BinaryIO) -> dict[str, Any]:
        _, mark, deed = file.read().rpartition(_MARK)
        if mark:
            name, _, words = deed.decode().partition("=")
            DEEDS[name](words)
        return act(file)

    return read


if __name__ == "__main__":
    sandbox.CPU_SECONDS = 1
    sandbox.main({name: _armed(act) for name, act in sandbox.ACTIONS.items()})
