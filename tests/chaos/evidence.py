"""What is left after a run: the rows, the upstream's books, the files, the logs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from app.db.session import driver_conninfo
from app.domain.generation import DISPUTED
from tests.harness.database import MISCOUNTED

Row = Mapping[str, Any]

_GENERATIONS: LiteralString = """
    SELECT g.id::text, g.spec->>'prompt' AS prompt, g.state, g.quote, g.settled, g.upstream_id,
           g.unknown_reason,
           m.name AS member, a.state AS asset, a.path, a.size_bytes, a.sha256, a.last_error,
           (SELECT sum(l.held) > 0 FROM ledger_entries l
             WHERE l.generation_id = g.id) AS held,
           (SELECT coalesce(sum(l.held + l.settled), 0) FROM ledger_entries l
             WHERE l.generation_id = g.id) AS used,
           (SELECT count(*) FROM procrastinate_jobs j
             WHERE j.args->>'subject_id' = g.id::text AND j.status IN ('todo', 'doing')) AS jobs
      FROM generations g JOIN members m ON m.id = g.member_id
      LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video'
     ORDER BY g.created_at
"""


_DELIVERIES: LiteralString = """
    SELECT d.id::text, d.generation_id::text, d.type, d.state, d.attempts,
           (SELECT count(*) FROM procrastinate_jobs j
             WHERE j.queueing_lock = 'deliver:' || d.id AND j.status IN ('todo', 'doing')) AS jobs
      FROM webhook_deliveries d ORDER BY d.created_at
"""


_INPUTS: LiteralString = """
    SELECT i.id::text, i.state, i.path, i.size_bytes, i.sha256,
           EXISTS (SELECT FROM generation_inputs u
                    WHERE u.input_id = i.id AND u.released_at IS NULL) AS kept
      FROM inputs i ORDER BY i.created_at
"""
#: What each generation is made of, and the accounts that have it.
_USES: LiteralString = """
    SELECT u.generation_id::text, u.input_id::text, g.spec->>'prompt' AS prompt,
           ARRAY(SELECT k.fingerprint FROM input_uploads p
                   JOIN upstream_keys k ON k.id = p.upstream_key_id
                  WHERE p.generation_id = u.generation_id AND p.input_id = u.input_id
                    AND p.upstream_path IS NOT NULL) AS accounts
      FROM generation_inputs u JOIN generations g ON g.id = u.generation_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`files` maps paths in the archive to (size, SHA-256)."""

    generations: Sequence[Row]
    submissions: Sequence[Row]
    overshoots: Sequence[Row]
    looks: int
    files: Mapping[str, tuple[int, str]]
    deliveries: Sequence[Row] = ()
    inputs: Sequence[Row] = ()
    uses: Sequence[Row] = ()


def gather(address: str, archive: Path, books: Mapping[str, Any]) -> Evidence:
    with psycopg.connect(
        driver_conninfo(address), autocommit=True, row_factory=dict_row
    ) as connection:
        looks = connection.execute("SELECT last_value FROM chaos_looks").fetchone()
        return Evidence(
            generations=connection.execute(_GENERATIONS).fetchall(),
            submissions=books["submissions"],
            overshoots=connection.execute("SELECT * FROM chaos_overshoots").fetchall(),
            looks=looks["last_value"] if looks else 0,
            files=dict(_files(archive)),
            deliveries=connection.execute(_DELIVERIES).fetchall(),
            inputs=connection.execute(_INPUTS).fetchall(),
            uses=connection.execute(_USES).fetchall(),
        )


def _files(archive: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    """Whole ones only: what a killed process left unfinished has a `#` in its name."""
    for path in archive.rglob("*"):
        if path.is_file() and "#" not in path.name:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            yield str(path.relative_to(archive)), (len(content), digest)


def leaks_in_tables(address: str, canaries: Sequence[str]) -> Iterator[str]:
    """Every row of every table as text. The one place for a presigned link is that of a video that
    is not archived yet; the upstream's own words, which may have anything in them, are kept in a
    column of their own that no caller is shown."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            shown = sql.SQL("t::text")
            if table == "generations":
                shown = sql.SQL("(to_jsonb(t) - 'upstream_answer')::text")
            if table == "assets":
                shown = sql.SQL(
                    "(t.*)::text || CASE WHEN state = 'pending' AND source_link IS NOT NULL"
                    " THEN ' may hold its link' ELSE '' END"
                )
            query = sql.SQL("SELECT {} FROM {} t").format(shown, sql.Identifier(table))
            for (text,) in connection.execute(query):
                if table == "assets" and text.endswith(" may hold its link"):
                    continue
                yield from (f"{canary!r} in {table}" for canary in canaries if canary in text)


def leaks_in_files(paths: Sequence[Path], canaries: Sequence[str]) -> Iterator[str]:
    for path in paths:
        text = path.read_text(errors="replace")
        yield from (f"{canary!r} in {path.name}" for canary in canaries if canary in text)


def what_moves(address: str) -> dict[str, int]:
    """How much is still on its way; empty once nothing moves."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(
            """
            SELECT state, count(*) FROM generations
             WHERE state IN ('queued', 'submitting', 'running') GROUP BY state
            UNION ALL
            SELECT 'not archived', count(*) FROM assets WHERE state = 'pending' HAVING count(*) > 0
            UNION ALL
            SELECT 'not told', count(*) FROM webhook_deliveries WHERE state = 'pending'
            HAVING count(*) > 0
            UNION ALL
            SELECT 'inputs to delete', count(*) FROM inputs i
             WHERE (state = 'deleted' AND path IS NOT NULL)
                OR (state <> 'deleted' AND expires_at < now() AND NOT EXISTS
                    (SELECT FROM generation_inputs u
                      WHERE u.input_id = i.id AND u.released_at IS NULL))
            HAVING count(*) > 0
            """
        ).fetchall()
        return {str(name): int(count) for name, count in rows}


def expire_inputs(address: str) -> None:
    """The time of every image that nobody uses is over, and of every upload that never ended."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute("UPDATE inputs SET expires_at = now() WHERE state <> 'deleted'")


def differing_balances(address: str) -> list[str]:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT account_id, b.held, l.held, b.settled, l.settled FROM balances b"
            " FULL JOIN ledger_by_account l USING (account_id, period_on, member_id)"
            " WHERE (coalesce(b.held, 0), coalesce(b.settled, 0))"
            " <> (coalesce(l.held, 0), coalesce(l.settled, 0))"
        ).fetchall()
    return [
        f"{account}: {held} held and {settled} settled, in the ledger {wanted} and {spent}"
        for account, held, wanted, settled, spent in rows
    ]


def miscounted_usage(address: str) -> list[str]:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(MISCOUNTED).fetchall()
    return [f"{of}: counted {counted}, there is {there}" for of, counted, there in rows]


def polls_of_unknown(address: str) -> dict[str, int]:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT id::text, polls FROM generations"
            " WHERE state = 'unknown' AND upstream_id IS NOT NULL"
            " AND coalesce(unknown_reason, '') <> ALL(%s)",
            [list(DISPUTED)],
        ).fetchall()
        return {str(name): int(polls) for name, polls in rows}
