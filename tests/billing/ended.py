"""Generations of any instant, put into a database by the functions that admission and ends use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

PRICE = 10


@dataclass(frozen=True, slots=True)
class Who:
    team: UUID
    member: UUID
    key: UUID


def team_of_one(tx: psycopg.Connection, zone: str, since: datetime) -> Who:
    who = Who(uuid4(), uuid4(), uuid4())
    tx.execute(
        "INSERT INTO teams (id, name, time_zone, created_at) VALUES (%s, %s, %s, %s)",
        [who.team, str(who.team), zone, since],
    )
    tx.execute(
        "INSERT INTO members (id, team_id, name, credit_limit, rate_per_minute, rate_burst,"
        " max_open) VALUES (%s, %s, 'ada', 9, 9, 9, 9)",
        [who.member, who.team],
    )
    tx.execute(
        "INSERT INTO api_keys (id, account_id, member_id, name, prefix, secret_sha256)"
        " VALUES (%s, %s, %s, 'ci', 'rg_aaaaaaaa', %s)",
        [who.key, who.key, who.member, who.key.bytes],
    )
    return who


def admit(
    tx: psycopg.Connection, who: Who, at: datetime, *, tags: Mapping[str, str] | None = None
) -> UUID:
    found = uuid4()
    tx.execute(
        "INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature, provider,"
        " spec, model, kind, fingerprint, state, quote, created_at, queue_deadline_at, metadata)"
        " VALUES (%s, %s, %s, %s, 'openai', 'TEXT_TO_VIDEO', 'luma', %s, 'ray-v3', 'ray-v3',"
        " '', 'queued', %s, %s, %s,"
        " %s)",
        [found, who.team, who.member, who.key, Jsonb({"prompt": "a wave", "model": "ray-v3"}),
         PRICE, at, at, Jsonb(dict(tags or {}))],
    )  # fmt: skip
    tx.execute(
        "SELECT reelgate_enter(%s, %s, %s, %s, 'hold', %s, 0, %s, %s)",
        [found, who.team, who.member, who.key, PRICE, at, at],
    )
    return found


def end(tx: psycopg.Connection, generation_id: UUID, settled: int) -> None:
    tx.execute(
        "UPDATE generations SET state = 'failed', finished_at = now() WHERE id = %s",
        [generation_id],
    )
    tx.execute("SELECT reelgate_close_hold(%s, %s)", [generation_id, settled])


def correct(tx: psycopg.Connection, generation_id: UUID, settled: int) -> None:
    tx.execute("SELECT reelgate_correct(%s, %s, 'odd', 'test')", [generation_id, settled])
