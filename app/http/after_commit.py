"""Between a commit and its reply: a failure there must not deny what was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from app.errors import GatewayError, Internal, Unavailable
from app.telemetry import logger

log = logger(__name__)


@contextmanager
def after_commit(
    deed: str, *, generation_id: UUID | None = None, billed: bool | None = False
) -> Iterator[None]:
    """Wraps everything that builds the answer after a commit. `deed` begins a sentence that says
    what was done, such as `The video was deleted`. Any failure inside becomes an error that says
    so, names the generation, and tells the caller not to send the request again."""
    try:
        yield
    except Exception as fault:
        log.error(
            "answer_failed",
            generation_id=None if generation_id is None else str(generation_id),
            exc_info=fault,
        )
        kind: type[GatewayError] = Unavailable if isinstance(fault, Unavailable) else Internal
        raise kind(
            f"{deed}; only the answer to this request failed. Look it up instead of sending the "
            "request again.",
            billed=billed,
            retry_safe=False,
            generation_id=generation_id,
        ) from fault
