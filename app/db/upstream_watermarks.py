"""The figures of the upstream accounts: what each answer says of used credits and their limit,
beside the ledger. `migrations/sql/upstream_watermarks.sql` says how they are compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from app.db.session import Tx
from app.domain.upstream_keys import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What was known of a key's account just before a request was sent. `due`: the answer's figures
    are worth noting even if they are the same."""

    number: int
    figures: Figures | None = field(repr=False)
    due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The latest figures of an account. `remaining` is what it surely has left, once all is charged
    that may be. `pace` is what it spends a day; None as long as less than a day is known, or
    nothing was spent. `unexplained` credits were used in the last day, at least, that the ledger
    does not have."""

    observed_at: datetime
    used: int
    credit_limit: int
    remaining: int
    pace: float | None
    unexplained: int

    @property
    def days_left(self) -> float | None:
        return self.remaining / self.pace if self.pace else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From one answer with new figures to the next; the first one has no `since`. `used` and
    `credit_limit` are those of its end. The account used `change` credits; the ledger has at least
    `ledger_least` and at most `ledger_most` of them, because answers lag and charges overlap them.
    `unexplained` were used that the ledger does not have, and `added` were given back or not
    charged, each at least so many and at most `uncertain` more."""

    id: int
    since: datetime | None
    until: datetime
    used: int
    credit_limit: int
    change: int | None
    limit_change: int | None
    ledger_least: int | None
    ledger_most: int | None
    unexplained: int
    added: int
    uncertain: int


async def observe(tx: Tx, key_id: int, mark: Mark, figures: Figures, *, record: str | None) -> bool:
    """Notes the figures of the answer to a request that was sent after `mark` was read, and the
    upstream id of its record. False if other answers were noted meanwhile: nobody knows which is
    newer, so this one is left out. Takes locks that come before those of `upstream_keys`."""
    noted = await tx.scalar(
        text("SELECT reelgate_observe(:key, :number, :used, :limit, :record)"),
        {"key": key_id, "number": mark.number, "used": figures.used,
         "limit": figures.credit_limit, "record": record},
    )  # fmt: skip
    return bool(noted)


async def find_record(tx: Tx, key_id: int) -> str | None:
    """The upstream id of the record that the latest figures came with."""
    found: str | None = await tx.scalar(
        text("SELECT record FROM upstream_watermarks WHERE upstream_key_id = :id"), {"id": key_id}
    )
    return found


async def reaches_reserve(tx: Tx, key_id: int, *, quote: int, reserve: int) -> bool:
    """Whether a submission might use what is to be left in the account. False if its figures are
    not known, or an operator has said to go on without them."""
    found = await tx.scalar(
        text(
            "SELECT NOT in_doubt AND reelgate_upstream_remaining(:id) - :quote < :reserve"
            " FROM upstream_watermarks WHERE upstream_key_id = :id"
        ),
        {"id": key_id, "quote": quote, "reserve": reserve},
    )
    return bool(found)


async def doubt(tx: Tx, label: str) -> None:
    """The figures of a key's account stop nothing before the next answer. Takes locks that come
    before those of `upstream_keys`."""
    await tx.execute(
        text(
            "UPDATE upstream_watermarks SET in_doubt = true WHERE upstream_key_id IN"
            " (SELECT id FROM upstream_keys WHERE label = :label)"
        ),
        {"label": label},
    )


#: The pace is that of the last seven days, or of as many as are known.
_WATERMARKS = text(
    """
    SELECT k.label, w.observed_at, w.used, w.credit_limit,
           reelgate_upstream_remaining(k.id) AS remaining,
           w.used - h.used + (
               SELECT coalesce(sum(e.added), 0)::bigint FROM upstream_watermark_history e
                WHERE e.upstream_key_id = k.id AND e.observed_at > h.observed_at
                  AND (e.unexplained > 0 OR e.added > 0)) AS spent,
           (extract(epoch FROM now() - h.observed_at) / 86400)::double precision AS days,
           (SELECT coalesce(sum(e.unexplained), 0)::bigint FROM upstream_watermark_history e
             WHERE e.upstream_key_id = k.id AND e.observed_at > now() - interval '1 day'
               AND (e.unexplained > 0 OR e.added > 0)) AS unexplained
      FROM upstream_keys k JOIN upstream_watermarks w ON w.upstream_key_id = k.id
      LEFT JOIN LATERAL (
          (SELECT used, observed_at FROM upstream_watermark_history
            WHERE upstream_key_id = k.id AND observed_at <= now() - interval '7 days'
            ORDER BY observed_at DESC LIMIT 1)
          UNION ALL
          (SELECT used, observed_at FROM upstream_watermark_history
            WHERE upstream_key_id = k.id ORDER BY observed_at LIMIT 1)
          LIMIT 1) h ON true
     WHERE k.seen_at > now() - interval '2 minutes' AND w.observed_at IS NOT NULL
     ORDER BY k.id
    """
)


async def by_label(tx: Tx) -> dict[str, Watermark]:
    """Of the keys that some worker has configured now, where the figures are known."""
    return {
        row.label: Watermark(
            observed_at=row.observed_at, used=row.used, credit_limit=row.credit_limit,
            remaining=max(row.remaining, 0), unexplained=row.unexplained,
            pace=row.spent / row.days if row.days and row.days >= 1 and row.spent > 0 else None,
        )
        for row in await tx.execute(_WATERMARKS)
    }  # fmt: skip


async def list_intervals(
    tx: Tx, label: str, *, before: int | None = None, limit: int
) -> list[Interval]:
    """Of the keys with this label, newest first. `before` is the id of the last one of the previous
    page."""
    rows = await tx.execute(
        text(
            """
            SELECT h.id, p.observed_at AS since, h.observed_at AS until, h.used, h.credit_limit,
                   h.used - p.used AS change, h.credit_limit - p.credit_limit AS limit_change,
                   h.ledger_low - p.ledger_high AS ledger_least,
                   h.ledger_high - p.ledger_low AS ledger_most,
                   h.unexplained, h.added, h.uncertain
              FROM upstream_keys k JOIN upstream_watermark_history h ON h.upstream_key_id = k.id
              LEFT JOIN LATERAL (
                  SELECT * FROM upstream_watermark_history
                   WHERE upstream_key_id = h.upstream_key_id AND observed_at <= h.observed_at
                     AND id < h.id
                   ORDER BY observed_at DESC, id DESC LIMIT 1) p ON true
             WHERE k.label = :label AND (CAST(:before AS bigint) IS NULL OR h.id < :before)
             ORDER BY h.id DESC LIMIT :limit
            """
        ),
        {"label": label, "before": before, "limit": limit},
    )
    return [Interval(**row._mapping) for row in rows]


async def prune(tx: Tx, *, days: int) -> None:
    """Deletes what is older, and leaves four rows a day of what is older than a week. What was
    unexplained or added in between is added to the row that stays."""
    await tx.execute(
        text(
            "DELETE FROM upstream_watermark_history"
            " WHERE observed_at < now() - make_interval(days => :days)"
        ),
        {"days": days},
    )
    await tx.execute(
        text(
            """
            WITH old AS MATERIALIZED (
                SELECT id, max(id) OVER w AS kept, count(*) OVER w AS rows,
                       sum(unexplained) OVER w AS unexplained, sum(added) OVER w AS added,
                       sum(uncertain) OVER w AS uncertain
                  FROM upstream_watermark_history
                 WHERE observed_at < date_bin('6 hours', now() - interval '7 days', 'epoch')
                WINDOW w AS (PARTITION BY upstream_key_id,
                             date_bin('6 hours', observed_at, 'epoch'))
            ), gone AS (
                DELETE FROM upstream_watermark_history
                 WHERE id = ANY (ARRAY(SELECT id FROM old WHERE id < kept))
            )
            UPDATE upstream_watermark_history h
               SET unexplained = o.unexplained, added = o.added, uncertain = o.uncertain
              FROM old o WHERE h.id = o.id AND o.id = o.kept AND o.rows > 1
            """
        )
    )
