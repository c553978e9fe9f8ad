"""JSON that an issuer sent."""

from __future__ import annotations

import json
from typing import Any

from app.domain.issuers import Refusal, SignInRefused


def json_object(body: bytes, otherwise: str) -> dict[str, Any]:
    """Raises `SignInRefused`, whose check is `otherwise`, if it is no object."""
    try:
        found = json.loads(body, parse_constant=_no_number)
    # Also UnicodeDecodeError, and numbers of thousands of digits.
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SignInRefused(Refusal.ISSUER_ANSWER, otherwise)
    return found


def _no_number(name: str) -> None:
    raise ValueError(name)
