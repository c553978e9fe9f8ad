"""Writes one file into a folder: complete under its name, or not at all, whatever happens.

It is written as `<name>#<n>`, flushed to disk and then renamed, so its name never leads to part of
it, not even after a power cut. Everything here blocks, so it runs in threads.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

#: An unfinished file that is this much older than the finished one was left by a killed process.
ABANDONED_SECONDS = 600.0


class Folder:
    """The root of an archive on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        #: The folder that was last made durable, from the root down to it.
        self._settled: Path | None = None

    def make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._settled = None

    def settle(self, folder: Path) -> None:
        """Makes durable that the last file of `folder` has its name. Another process may have made
        the folders above and not flushed them yet, so the first time all of them are flushed."""
        _sync(folder)
        if folder == self._settled:
            return
        for parent in folder.parents:
            if parent.is_relative_to(self.root):
                _sync(parent)
        self._settled = folder


class FileWriter:
    """One file in the making. Its methods may be called from any thread, since a call that was
    abandoned may still be running in one."""

    def __init__(self, folder: Folder, final: Path) -> None:
        self._folder = folder
        self._final = final
        self._digest = hashlib.sha256()
        self._number = 0
        self._descriptor = -1
        self._ended = False
        self._turn = threading.Lock()

    def write(self, block: bytes) -> None:
        """Raises `OSError`."""
        with self._turn:
            if self._ended:
                return
            if self._descriptor < 0:
                self._open()
            self._digest.update(block)
            left = memoryview(block)
            while left:
                left = left[os.write(self._descriptor, left) :]

    def finish(self) -> str:
        """Gives the file its name; returns its SHA-256 in lower-case hex. Raises `OSError`."""
        with self._turn:
            if not self._ended:
                os.fsync(self._descriptor)
                began = os.fstat(self._descriptor).st_mtime
                self._unfinished(self._number).replace(self._final)
                self._end()
                self._folder.settle(self._final.parent)
                for number in range(1, self._number):
                    remove_abandoned(self._unfinished(number), older_than=began - ABANDONED_SECONDS)
            return self._digest.hexdigest()

    def discard(self) -> None:
        """Removes what was written. Does nothing after `finish`."""
        with self._turn:
            if not self._ended and self._descriptor >= 0:
                with suppress(OSError):
                    self._unfinished(self._number).unlink()
            self._end()

    def _open(self) -> None:
        for self._number in count(1):
            try:
                self._descriptor = self._made(self._unfinished(self._number))
            except FileExistsError:
                # A second writer of this path, or one whose process was killed.
                continue
            return

    def _made(self, path: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o666)
        except FileNotFoundError:
            self._folder.make(path.parent)
            return os.open(path, flags, 0o666)

    def _unfinished(self, number: int) -> Path:
        return self._final.with_name(f"{self._final.name}#{number}")

    def _end(self) -> None:
        self._ended = True
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def remove_abandoned(path: Path, *, older_than: float) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < older_than:
            path.unlink()


def remove_unfinished(final: Path) -> None:
    """Removes what killed processes have left of a file. Raises `OSError`."""
    pattern = re.compile(re.escape(final.name) + r"#\d+")
    with suppress(FileNotFoundError):
        for neighbour in final.parent.iterdir():
            if pattern.fullmatch(neighbour.name):
                neighbour.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)
