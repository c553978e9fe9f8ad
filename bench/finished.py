"""Generations that have succeeded, whose videos are a measurement's own affair."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from bench.filling import SPEC

#: `%(count)s` of them, of all members in turns, with `values`. Returns `id` and `team_id`.
FINISHED = """
    INSERT INTO generations (
        id, team_id, member_id, api_key_id, dialect, feature, provider, spec, model, kind,
        fingerprint, state, quote, settled, upstream_id, queue_deadline_at, submitted_at,
        running_at, finished_at)
    SELECT gen_random_uuid(), k.team_id, k.member_id, k.id, 'rest', 'TEXT_TO_VIDEO', 'luma',
           %(spec)s, 'ray-v3', 'ray-v3 5s', decode(md5(n::text), 'hex'), 'succeeded', 150000,
           150000, gen_random_uuid()::text, now() + interval '1 day', now(), now(), now()
      FROM generate_series(1, %(count)s) n
      JOIN (SELECT m.team_id, m.id AS member_id, k.id, row_number() OVER (ORDER BY m.id) AS number
              FROM members m JOIN api_keys k ON k.member_id = m.id) k
        ON k.number = 1 + n %% (SELECT count(*) FROM members)
    RETURNING id, team_id
"""


def values(count: int, **more: object) -> dict[str, object]:
    return {"count": count, "spec": Jsonb(SPEC.to_json()), **more}
