"""The program's own log, as its processes set it up."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.telemetry import _NOISY, configure_logging


class Log:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        """What was written since the last look."""
        return self._capsys.readouterr().err

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@contextlib.contextmanager
def logging_to(capsys: pytest.CaptureFixture[str], **options: Any) -> Iterator[Log]:
    """`options` are those of `configure_logging`; afterwards all is as it was."""
    # What earlier tests left to the collector speaks before, and not into this log.
    gc.collect()
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in _NOISY}
    try:
        configure_logging(**{"json": True, "level": "INFO", **options})
        yield Log(capsys)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        structlog.configure(**configured)
        structlog.contextvars.clear_contextvars()
