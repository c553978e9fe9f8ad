from __future__ import annotations

from tests.worker.conftest import by_hand

__all__ = ["by_hand"]
