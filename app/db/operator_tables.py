"""The tables of those who operate the gateway, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.columns import created, instant, metadata, one_of
from app.domain.upstream_keys import BreakerState, KeyCheck, KeyState

upstream_keys = Table(
    "upstream_keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("label", Text, nullable=False),
    # First 16 hex digits of the key's SHA-256; the key itself is only ever in the environment.
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False, server_default="active"),
    Column("reason", Text),
    instant("set_aside_at"),
    instant("return_at"),
    # What it must be able to pay before it returns, if it is set aside for the reserve.
    Column("needed", BigInteger),
    # When its account's figures were last looked up for that.
    instant("looked_at"),
    # An operator's test, which a worker does.
    instant("test_requested_at"),
    instant("tested_at"),
    Column("test_result", Text),
    instant("arrival_at", nullable=False, now=True),
    # The requests of a minute of the clock.
    instant("minute_at"),
    Column("minute_requests", Integer, nullable=False, server_default=text("0")),
    # The circuit breaker: submissions in a row without an answer, probes since it was closed, and
    # when the next probe is due. While half open: when the trial is given up, null before it.
    Column("breaker", Text, nullable=False, server_default="closed"),
    Column("breaker_failures", Integer, nullable=False, server_default="0"),
    Column("breaker_probes", Integer, nullable=False, server_default="0"),
    instant("breaker_until"),
    # When a worker last had this key configured.
    instant("seen_at", nullable=False, now=True),
    created(),
    one_of("state", [state.value for state in KeyState]),
    one_of("breaker", [state.value for state in BreakerState]),
    one_of("test_result", [check.value for check in KeyCheck]),
    CheckConstraint(
        "CASE breaker WHEN 'closed' THEN breaker_until IS NULL AND breaker_probes = 0"
        " WHEN 'half_open' THEN breaker_probes > 0 ELSE breaker_until IS NOT NULL END",
        name="breaker_until",
    ),
    postgresql_with={"fillfactor": 50},
)

pauses = Table(
    "pauses",
    metadata,
    # What an operator has paused: `admission` takes nothing in, `submission` sends nothing out.
    Column("name", Text, primary_key=True),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("reason", Text),
    instant("changed_at", nullable=False, now=True),
    one_of("name", ["admission", "submission"]),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    created(),
    # `team/member`, `cli:` and a person, or a name for the gateway itself.
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # The team that it is about, whose administrators may read it.
    Column("team_id", Uuid),
    # Of the request; null for what was not done through one.
    Column("team", Text),
    Column("member", Text),
    Column("key_prefix", Text),
    Column("address", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Newest first: all, about a team, by who acted, of a subject, of an action, of a family.
    Index("audit_log_created_idx", "created_at", "id"),
    Index("audit_log_team_idx", "team_id", "created_at", "id"),
    Index("audit_log_actor_idx", "actor", "created_at", "id"),
    Index("audit_log_subject_idx", "subject", "created_at", "id"),
    Index("audit_log_action_idx", "action", "created_at", "id"),
    Index("audit_log_family_idx", text("split_part(action, '.', 1)"), "created_at", "id"),
)
