"""Loads three libraries without what they bring along and nothing here uses: a tenth of the memory
of an API process. Where this is not called, everything works the same.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

#: SQLAlchemy's package of asynchronous engines loads its object-relational mapper for these two.
_SESSIONS = ("sqlalchemy.ext.asyncio.scoping", "sqlalchemy.ext.asyncio.session")
#: As if they were not installed: structlog shows traces with it, and ours are text by then; httpx
#: has a command line.
_ABSENT = {"structlog": "rich", "httpx": "httpx._main"}


class _Hollow(ModuleType):
    """Has every public name, and nothing behind it."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def load() -> None:
    """Before anything else is imported."""
    _load("sqlalchemy.ext.asyncio", {name: _Hollow(name) for name in _SESSIONS})
    for library, part in _ABSENT.items():
        _load(library, {part: None})


def _load(library: str, stand_ins: Mapping[str, ModuleType | None]) -> None:
    if library in sys.modules or any(name in sys.modules for name in stand_ins):
        return
    sys.modules.update(stand_ins)  # type: ignore[arg-type]  # None: an import fails
    try:
        import_module(library)
    finally:
        for name in stand_ins:
            del sys.modules[name]
