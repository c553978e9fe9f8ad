"""Look-ups that are not about a generation: tests of upstream keys, and their accounts' figures."""

from __future__ import annotations

from sqlalchemy import text

from app.db.session import Tx
from app.db.upstream_keys import COLUMNS, UpstreamKey, key_from
from app.domain.upstream_keys import KeyCheck

#: How often the figures of an account are looked up that has reached its reserve.
LOOK_SECONDS = 60.0


async def request_test(tx: Tx, label: str) -> bool:
    """A worker tests the key within seconds. False if no key has this label."""
    result = await tx.execute(
        text("UPDATE upstream_keys SET test_requested_at = now() WHERE label = :label"),
        {"label": label},
    )
    return result.rowcount > 0


async def claim_due(tx: Tx) -> list[UpstreamKey]:
    """The keys to look at now: those to be tested, and those whose account has reached its reserve.
    Nobody else looks at the latter meanwhile."""
    rows = await tx.execute(
        text(
            f"""
            UPDATE upstream_keys SET looked_at = now()
             WHERE seen_at > now() - interval '2 minutes'
               AND (test_requested_at > coalesce(tested_at, '-infinity')
                    OR (state = 'set_aside' AND needed IS NOT NULL
                        AND coalesce(looked_at, '-infinity')
                            < now() - make_interval(secs => :seconds)))
            RETURNING {COLUMNS}
            """  # noqa: S608 - a constant
        ),
        {"seconds": LOOK_SECONDS},
    )
    return [key_from(row) for row in rows]


async def record_test(tx: Tx, tested: UpstreamKey, check: KeyCheck) -> None:
    """Records the result of a test; one that was requested since is done again."""
    await tx.execute(
        text(
            """
            UPDATE upstream_keys SET tested_at = greatest(now(), test_requested_at),
                   test_result = :result
             WHERE id = :id AND test_requested_at = :requested_at
            """
        ),
        {"id": tested.id, "result": check.value, "requested_at": tested.test_requested_at},
    )
