"""Breaks a request at every step behind its commit, one step at a time.

A step is a call of a function of the program. Which steps there are is not listed anywhere: each
request is made again and again, and broken one step later each time, until none is left to break.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import app
from app.db import session
from app.http.after_commit import after_commit

_PROGRAM = str(Path(app.__file__).parent)
#: What catches the faults of all others has to be trusted.
_GUARD: CodeType = after_commit.__wrapped__.__code__  # type: ignore[attr-defined]


class Broken(Exception):
    """Nothing in the program expects this one."""


class Breaker:
    """Breaks the step of this number, counted from 0, of those inside `within`, a function that is
    under way. Nothing is broken before `arm` is called."""

    def __init__(self, number: int, *, within: CodeType) -> None:
        self.broke: str | None = None
        self._left = number
        self._within = within
        self._armed = False

    def arm(self) -> None:
        self._armed = True

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and self._armed and self.broke is None and self._is_step(frame):
            if self._left == 0:
                self.broke = frame.f_code.co_qualname
                raise Broken(self.broke)
            self._left -= 1

    def _is_step(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        # A connection that is broken in the middle of its own bookkeeping is lost to the pool.
        if not file.startswith(_PROGRAM) or file == session.__file__:
            return False
        return frame.f_code is not _GUARD and _begins(frame) and self._is_within(frame)

    def _is_within(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is self._within:
                return True
            frame = frame.f_back
        return False


def _begins(frame: FrameType) -> bool:
    """Whether this is the call itself. A coroutine that goes on after a wait is called as well, and
    what it waited for would be left hanging."""
    at, code = frame.f_lasti, frame.f_code.co_code
    return dis.opname[code[at]] == "RESUME" and code[at + 1] == 0


@contextmanager
def breaking(breaker: Breaker) -> Iterator[None]:
    sys.setprofile(breaker)
    try:
        yield
    finally:
        sys.setprofile(None)
