"""What schemathesis may not do: have the gateway call anybody. Loaded by it, not by pytest."""

from __future__ import annotations

from typing import Any

import schemathesis


def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Addresses become one that is refused before anything is looked up."""
    body = case.body
    if isinstance(body, dict):
        for name in ("callback_url", "url"):
            if isinstance(body.get(name), str):
                body[name] = "https://127.0.0.1/"


schemathesis.hook(before_call)
