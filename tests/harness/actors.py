"""Who changes teams, members and keys in tests that are not about that: somebody who may."""

from __future__ import annotations

from app.domain.authority import Actor

TESTER = Actor(name="test", reason="a test")
