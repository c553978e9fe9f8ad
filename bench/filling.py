"""Fills a database with a past: years of generations with all that belongs to them, in minutes.

The rows are what the gateway itself would have left: the ledger adds up to the balances, events and
deliveries are as old as they are kept, idempotency keys as long as they count, and a few dozen
generations are in progress, whatever the size of the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from app.db import accounts
from app.db.session import driver_conninfo
from app.domain.caller import Role
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Facts
from app.members import keys, members, teams
from app.runtime import Runtime
from bench.seeding import LIMITS, SEEDER

TEAMS = 10
#: The past, and how much of it is kept of what is not kept for ever, as by default.
DAYS = 365
HISTORY_DAYS = 90
#: Longer than the past: what retention does most of the time is to find nothing.
RETENTION_DAYS = 400
#: Generations that have not ended, of each state.
OPEN = 20

_FILLED = (
    "generations", "ledger_entries", "idempotency_keys", "assets", "events", "webhook_deliveries",
    "webhook_attempts", "audit_log",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filled:
    """The keys of an operator, of an administrator of another team, and of that team's busiest
    member."""

    generations: int
    operator: str
    admin: str
    member: str


async def fill(rt: Runtime, *, generations: int, members_: int) -> Filled:
    """The database has its schema and nothing else."""
    await rt.register_upstream_keys()
    secrets = await _make_members(rt, members_)
    address = driver_conninfo(rt.db.address)
    with psycopg.connect(address, autocommit=True) as connection:
        _insert(connection, generations)
        connection.execute("ANALYZE")
    async with rt.db.begin() as tx:
        await accounts.rebuild_all(tx)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return Filled(generations, *secrets)


async def _make_members(rt: Runtime, count: int) -> tuple[str, str, str]:
    """Two teams in ten have a retention."""
    found = []
    for team in range(TEAMS):
        name = rt.settings.operator_team if team == 0 else f"team-{team}"
        await teams.create_team(
            rt, name, credit_limit=None, actor=SEEDER,
            retention_days=RETENTION_DAYS if team % 5 == 4 else None,
        )  # fmt: skip
        for number in range(-(-count // TEAMS)):
            member = f"member-{number}"
            role = Role.MEMBER if number else Role.ADMIN
            await members.create_member(rt, name, member, role=role, limits=LIMITS, actor=SEEDER)
            made = await keys.create_key(rt, name, member, name="bench", actor=SEEDER)
            found.append((team, number, made.secret))
    by_place = {(team, number): secret for team, number, secret in found}
    return by_place[0, 0], by_place[1, 0], by_place[1, 1]


def _insert(connection: psycopg.Connection[Any], count: int) -> None:
    values = {
        "count": count, "days": DAYS, "history": HISTORY_DAYS, "open": min(OPEN, count // 10),
        "spec": Jsonb(SPEC.to_json()),
    }  # fmt: skip
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET maintenance_work_mem = '256MB'")
    # Triggers check references, one row at a time.
    connection.execute("SET session_replication_role = replica")
    connection.execute(_WHO)
    with _without_indexes(connection):
        for statement in _ROWS:
            connection.execute(statement, values)
    connection.execute("SET session_replication_role = origin")
    connection.execute(_JOBS)


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Makes the indexes of the filled tables anew afterwards, which is many times faster."""
    made: Sequence[tuple[str, str]] = connection.execute(
        """
        SELECT i.indexname, i.indexdef FROM pg_indexes i
         WHERE i.schemaname = 'public' AND i.tablename = ANY(%s)
           AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
        """,
        [list(_FILLED)],
    ).fetchall()
    for name, _ in made:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in made:
        connection.execute(definition.encode())


SPEC = BUILT_IN.models["ray-v3"].spec_of(
    Facts(prompt="a majestic lion", seconds=5, aspect_ratio=(16, 9), lines=720, loop=False)
)  # fmt: skip

#: Everybody who asks, numbered; each has one key. One endpoint for each team.
_WHO = """
CREATE TEMPORARY TABLE who AS
SELECT row_number() OVER (ORDER BY t.name, m.name) - 1 AS n, t.id AS team_id, m.id AS member_id,
       k.id AS api_key_id, (t.name, m.name) = ('team-1', 'member-1') AS is_busy
  FROM teams t JOIN members m ON m.team_id = t.id JOIN api_keys k ON k.member_id = m.id;
INSERT INTO webhook_endpoints (id, team_id, url, event_types, secret)
SELECT gen_random_uuid(), id, 'https://example.com/hook', '["video.completed"]', 'none'
  FROM teams
"""

#: One after the other, oldest first. Of a hundred that ended, 90 succeeded, 7 failed, 3 were
#: canceled. A third has tags, of which one is rare; a fifth names whom it is for.
_GENERATIONS = """
INSERT INTO generations (
    id, team_id, member_id, api_key_id, dialect, feature, provider, spec, model, kind,
    prompt_head, prompt_digest, end_user, metadata, fingerprint, state, upstream_key_id,
    upstream_id, unknown_reason, error_code, quote, settled, created_at, queue_deadline_at,
    submitted_at, running_at, finished_at)
SELECT gen_random_uuid(), w.team_id, w.member_id, w.api_key_id,
       (ARRAY['onemin', 'openai', 'luma', 'rest'])[1 + g.n %% 4], 'TEXT_TO_VIDEO', 'luma',
       %(spec)s || jsonb_build_object(
           'prompt', 'a majestic lion walking through golden savanna at sunset, take ' || g.n,
           'model', (ARRAY['ray-v3', 'ray-v2', 'ray-v2-flash'])[1 + g.n %% 3]),
       (ARRAY['ray-v3', 'ray-v2', 'ray-v2-flash'])[1 + g.n %% 3],
       (ARRAY['ray-v3 5s', 'ray-v2 5s', 'ray-v2-flash 5s'])[1 + g.n %% 3],
       g.n / 1000, hashint8extended(g.n, 0),
       CASE WHEN g.n %% 5 = 0 THEN 'user-' || g.n %% 997 END,
       CASE WHEN g.n %% 3 = 0 THEN jsonb_build_object(
           'cost_centre', 'cc-' || g.n %% 7, 'project', 'p-' || g.n %% 101) ELSE '{}' END
         || CASE WHEN g.n %% 1009 = 0 THEN '{"campaign": "launch"}'::jsonb ELSE '{}' END,
       decode(md5(g.n::text), 'hex'), g.state, k.id,
       CASE WHEN g.state NOT IN ('queued', 'submitting', 'canceled')
            THEN gen_random_uuid()::text END,
       CASE WHEN g.state = 'unknown' THEN 'deadline' END,
       CASE WHEN g.state = 'failed' THEN 'upstream_refused' END,
       150000,
       CASE WHEN g.state = 'succeeded' THEN 150000
            WHEN g.state IN ('failed', 'canceled') THEN 0 END,
       g.at, g.at + interval '1 day',
       CASE WHEN g.state NOT IN ('queued', 'canceled') THEN g.at + interval '2 s' END,
       CASE WHEN g.state IN ('running', 'succeeded', 'unknown') THEN g.at + interval '4 s' END,
       CASE WHEN g.state IN ('succeeded', 'failed', 'canceled')
            THEN g.at + make_interval(secs => 300 + g.n %% 240) END
  FROM (
    SELECT n, now() - make_interval(secs => %(days)s * 86400.0 * (%(count)s - n) / %(count)s) AS at,
           CASE WHEN n > %(count)s - %(open)s THEN 'queued'
                WHEN n > %(count)s - 2 * %(open)s THEN 'running'
                WHEN n > %(count)s - 3 * %(open)s THEN 'unknown'
                WHEN n %% 100 < 90 THEN 'succeeded'
                WHEN n %% 100 < 97 THEN 'failed' ELSE 'canceled' END AS state
      FROM generate_series(1, %(count)s) n) g
  -- Neighbours belong to different members, each member has some of everything, and one of them
  -- has a tenth of all.
  JOIN who w ON w.n = CASE
    WHEN hashint8extended(g.n, 2) & 1023 < 102 THEN (SELECT n FROM who WHERE is_busy)
    ELSE (hashint8extended(g.n, 1) & 65535) %% (SELECT count(*) FROM who) END
  LEFT JOIN upstream_keys k ON g.state NOT IN ('queued', 'canceled')
 ORDER BY g.n
"""
_LEDGER = """
INSERT INTO ledger_entries
    (generation_id, team_id, member_id, api_key_id, kind, held, settled, counts_at, created_at)
SELECT g.id, g.team_id, g.member_id, g.api_key_id, e.kind, e.held, e.settled, g.created_at, e.at
  FROM generations g
 CROSS JOIN LATERAL (VALUES
    ('hold', g.quote, 0, g.created_at),
    (CASE WHEN g.settled > 0 THEN 'settle' ELSE 'release' END, -g.quote, g.settled, g.finished_at)
    ) e (kind, held, settled, at)
 WHERE e.settled IS NOT NULL
 ORDER BY e.at
"""
_KEYS = """
INSERT INTO idempotency_keys
    (member_id, scope, key, fingerprint, generation_id, created_at, expires_at)
SELECT member_id, dialect, id::text, fingerprint, id, created_at, created_at + interval '1 day'
  FROM generations WHERE created_at > now() - interval '1 day'
"""
#: Of a hundred videos one was deleted. A few are still to be archived, and a few are lost.
_ASSETS = """
INSERT INTO assets (
    generation_id, team_id, kind, state, source_link, source_expires_at, path, size_bytes, sha256,
    duration_seconds, width, height, codec, created_at, archived_at)
SELECT id, team_id, 'video', state,
       CASE WHEN state = 'pending' THEN 'https://example.com/' || id END,
       CASE WHEN state = 'pending' THEN now() + interval '7 days' END,
       CASE WHEN state = 'archived' THEN to_char(finished_at, 'YYYY/MM/') || id || '.mp4' END,
       5000000, md5(id::text) || md5(id::text), 5, 1280, 720, 'h264', finished_at,
       CASE WHEN state IN ('archived', 'deleted') THEN finished_at + interval '5 s' END
  FROM (SELECT *, CASE WHEN n <= %(open)s THEN 'pending' WHEN n <= 2 * %(open)s THEN 'lost'
                       WHEN n %% 100 = 0 THEN 'deleted' ELSE 'archived' END AS state
          FROM (SELECT id, team_id, finished_at,
                       row_number() OVER (ORDER BY finished_at DESC) AS n
                  FROM generations WHERE state = 'succeeded') g) a
 ORDER BY finished_at
"""
#: As in a database that was restored: those of its past come before all new ones.
_EVENTS = """
INSERT INTO events (generation_id, team_id, member_id, type, created_at, txid)
SELECT g.id, g.team_id, g.member_id, e.type, e.at, 0
  FROM generations g
 CROSS JOIN LATERAL (VALUES
    ('generation.queued', g.created_at), ('generation.submitting', g.submitted_at),
    ('generation.running', g.running_at), ('generation.' || g.state, g.finished_at),
    ('video.archived', CASE WHEN g.state = 'succeeded' THEN g.finished_at + interval '5 s' END)
    ) e (type, at)
 WHERE e.at > now() - make_interval(days => %(history)s)
 ORDER BY e.at
"""
_DELIVERIES = """
INSERT INTO webhook_deliveries (
    id, team_id, member_id, generation_id, endpoint_id, event_id, type, state, attempts,
    last_status, created_at, next_attempt_at, finished_at)
SELECT gen_random_uuid(), e.team_id, e.member_id, e.generation_id, w.id, e.id,
       'video.completed', e.state, 1, CASE e.state WHEN 'delivered' THEN 200 ELSE 500 END,
       e.created_at, CASE e.state WHEN 'pending' THEN now() + interval '1 day' END,
       CASE WHEN e.state <> 'pending' THEN e.created_at + interval '1 s' END
  FROM (SELECT *, CASE WHEN n <= %(open)s THEN 'pending' WHEN n %% 100 = 0 THEN 'failed'
                       ELSE 'delivered' END AS state
          FROM (SELECT *, row_number() OVER (ORDER BY id DESC) AS n
                  FROM events WHERE type = 'generation.succeeded') s) e
  JOIN webhook_endpoints w ON w.team_id = e.team_id
 ORDER BY e.id
"""
_ATTEMPTS = """
INSERT INTO webhook_attempts
    (delivery_id, number, created_at, seconds, request_headers, request_body, status)
SELECT id, 1, created_at, 0.2, '{"content-type": "application/json"}', repeat('x', 500), last_status
  FROM webhook_deliveries ORDER BY created_at
"""
#: A deed of somebody for every twenty generations.
_AUDIT = """
INSERT INTO audit_log (created_at, actor, action, subject, team_id, team, member)
SELECT g.created_at, t.name || '/' || m.name, 'video.delete', g.id::text, t.id, t.name, m.name
  FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS n FROM generations) g
  JOIN teams t ON t.id = g.team_id JOIN members m ON m.id = g.member_id
 WHERE g.n %% 20 = 0 ORDER BY g.n
"""
_ROWS = (_GENERATIONS, _LEDGER, _KEYS, _ASSETS, _EVENTS, _DELIVERIES, _ATTEMPTS, _AUDIT)

#: Later than the run: nothing in progress moves meanwhile.
_JOBS = """
SELECT reelgate_enqueue(w.kind, w.id, 0, now() + interval '1 day')
  FROM (SELECT id, CASE state WHEN 'queued' THEN 'submit' ELSE 'poll' END AS kind
          FROM generations WHERE state IN ('queued', 'running', 'unknown')
         UNION ALL SELECT generation_id, 'archive' FROM assets WHERE state = 'pending'
         UNION ALL SELECT id, 'deliver' FROM webhook_deliveries WHERE state = 'pending') w
"""
