"""What an owner is shown of a generation beside the row itself."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.caller import Caller
from app.domain.generation import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnView:
    """A generation with its caller's own standing. `link` is a signed link of ours, there once the
    video exists and for as long as it can be had."""

    generation: Generation
    caller: Caller
    used_credits: int
    link: str | None
