"""The schema as Alembic compares it. The schema itself is made only by `migrations/`.

Instants are `timestamptz`; credits are `bigint` and never negative. Enumerations are text with a
check, so that a new value is one cheap migration.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

# The rest of the schema.
from app.db import member_tables as member_tables
from app.db import operator_tables as operator_tables
from app.db.columns import created, instant, metadata, one_of
from app.domain.assets import AssetState
from app.domain.generation import State

_STATES = [state.value for state in State]

generations = Table(
    "generations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("api_key_id", ForeignKey("api_keys.id"), nullable=False),
    Column("dialect", Text, nullable=False),
    Column("feature", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("spec", JSONB, nullable=False),
    # Finds echoes of the prompt: domain/prompts.py.
    Column("prompt_head", BigInteger),
    Column("prompt_digest", BigInteger),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("quote", BigInteger, nullable=False),
    Column("settled", BigInteger),
    # The current or latest attempt: only its worker may record the result.
    Column("attempt", Uuid),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("upstream_key_id", ForeignKey("upstream_keys.id")),
    Column("upstream_id", Text),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("result_paths", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("unknown_reason", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    # The upstream's latest answer in its own words: for operators only.
    Column("upstream_answer", Text),
    # The caller's own words for names and sizes, for dialects that repeat them in responses.
    Column("echo", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("remixed_from", Uuid),
    Column("callback_url", Text),
    # Whom it is for, in the caller's own words.
    Column("end_user", Text),
    # Its tags: strings by key.
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # The first and the latest attempt of an SDK's call for this generation, counted from 0; null if
    # no SDK counted.
    Column("sdk_first", Integer),
    Column("sdk_last", Integer),
    instant("sdk_last_at"),
    created(),
    instant("queue_deadline_at", nullable=False),
    instant("submitted_at"),
    instant("running_at"),
    instant("finished_at"),
    one_of("state", _STATES),
    CheckConstraint("quote > 0", name="quote"),
    CheckConstraint("settled >= 0 AND settled <= quote", name="settled"),
    CheckConstraint("state <> 'running' OR upstream_id IS NOT NULL", name="running_has_id"),
    CheckConstraint(
        "(state IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL)",
        name="finished",
    ),
    # No two generations have the same upstream record.
    Index("generations_upstream_idx", text("lower(upstream_id)"), unique=True,
          postgresql_where=text("upstream_id IS NOT NULL")),
    Index("generations_prompt_idx", "prompt_head", "prompt_digest"),
    Index("generations_member_idx", "member_id", text("created_at DESC"), text("id DESC")),
    Index("generations_team_idx", "team_id", text("created_at DESC"), text("id DESC")),
    Index("generations_end_user_idx", "team_id", "end_user", text("created_at DESC"),
          text("id DESC"), postgresql_where=text("end_user IS NOT NULL")),
    Index("generations_metadata_idx", "metadata", postgresql_using="gin",
          postgresql_ops={"metadata": "jsonb_path_ops"}, postgresql_where=text("metadata <> '{}'")),
    Index("generations_sums_idx", "team_id", "dialect",
          postgresql_include=["state", "quote", "settled"]),
    Index("generations_open_idx", "member_id",
          postgresql_where=text("state IN ('queued', 'submitting', 'running')")),
    Index("generations_submitting_idx", "upstream_key_id", "submitted_at",
          postgresql_where=text("state = 'submitting'")),
    Index("generations_unfinished_idx", "state", "created_at",
          postgresql_where=text("state IN ('queued', 'submitting', 'running', 'unknown')")),
    Index("generations_history_idx", text("(spec ->> 'model')"), text("(spec ->> 'duration')"),
          text("finished_at DESC"),
          postgresql_where=text("state = 'succeeded'")),
)  # fmt: skip

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("member_id", ForeignKey("members.id", ondelete="CASCADE"), primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("generation_id", ForeignKey("generations.id", ondelete="CASCADE"), nullable=False),
    created(),
    instant("expires_at", nullable=False),
    Index("idempotency_keys_expires_idx", "expires_at"),
    Index("idempotency_keys_generation_idx", "generation_id"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("api_key_id", ForeignKey("api_keys.id"), nullable=False),
    Column("kind", Text, nullable=False),
    # What it adds to the balances; the end of a hold takes away what was held.
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    # Its period: when the generation was admitted, whenever it ended.
    instant("counts_at", nullable=False),
    created(),
    one_of("kind", ["hold", "settle", "release"]),
    CheckConstraint("CASE kind WHEN 'hold' THEN held > 0 AND settled = 0"
                    " WHEN 'settle' THEN settled > 0 AND held <= -settled"
                    " ELSE held < 0 AND settled = 0 END", name="credits"),
    # Each generation has at most one hold, and one end of it.
    Index("ledger_entries_hold_idx", "generation_id", unique=True,
          postgresql_where=text("kind = 'hold'")),
    Index("ledger_entries_end_idx", "generation_id", unique=True,
          postgresql_where=text("kind <> 'hold'")),
    Index("ledger_entries_member_idx", "member_id", "id"),
)  # fmt: skip

balances = Table(
    "balances",
    metadata,
    # A key, a member or a team.
    Column("account_id", Uuid, primary_key=True),
    # The first day of the period in the team's time zone; -infinity for one that never ends.
    Column("period_on", Date, primary_key=True),
    # Whose use it is. What a team used stands in one row for each member.
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("settled >= 0", name="settled"),
    postgresql_with={"fillfactor": 50},
)

assets = Table(
    "assets",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    # A presigned link: kept only until the file is archived, and shown to nobody.
    Column("source_link", Text),
    instant("source_expires_at"),
    Column("path", Text),
    Column("content_type", Text, nullable=False, server_default="video/mp4"),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("duration_seconds", Float),
    Column("width", Integer),
    Column("height", Integer),
    Column("codec", Text),
    Column("mismatch", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    # How many reads of the file in a row have begun without ending.
    Column("unfinished_reads", Integer, nullable=False, server_default="0"),
    created(),
    instant("archived_at"),
    UniqueConstraint("generation_id", "kind"),
    one_of("kind", ["video", "thumbnail"]),
    one_of("state", [state.value for state in AssetState]),
    CheckConstraint(
        "state NOT IN ('archived', 'set_aside')"
        " OR (path IS NOT NULL AND sha256 IS NOT NULL AND size_bytes > 0)",
        name="archived",
    ),
    # Not safely in the archive.
    Index(
        "assets_unarchived_idx",
        "created_at",
        postgresql_where=text("state IN ('pending', 'set_aside', 'lost')"),
    ),
    Index("assets_archived_idx", "archived_at", postgresql_where=text("state = 'archived'")),
    # A deleted file keeps its path until its bytes are gone.
    Index(
        "assets_leftover_idx", "id", postgresql_where=text("state = 'deleted' AND path IS NOT NULL")
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False, index=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    created(),
    # Ids are assigned when a row is written; rows become visible when they are committed. In the
    # order of (txid, id), nothing new can appear below the oldest running transaction.
    Column("txid", BigInteger, nullable=False,
           server_default=text("(pg_current_xact_id()::text)::bigint")),
    Index("events_member_idx", "member_id", "id"),
    Index("events_order_idx", "txid", "id"),
)  # fmt: skip

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False, index=True),
    # Null: the endpoint gets the events of every member of the team.
    Column("member_id", ForeignKey("members.id"), index=True),
    Column("url", Text, nullable=False),
    Column("event_types", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="enabled"),
    # A random seed in hexadecimal. The secret is derived from it and the signing secret.
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    instant("previous_secret_until"),
    # The key that created it, or last changed its address or secret.
    Column("api_key_id", ForeignKey("api_keys.id")),
    created(),
    instant("updated_at", nullable=False, now=True),
    Column("format", Text, nullable=False, server_default="reelgate"),
    Column("description", Text),
    Column("disabled_reason", Text),
    instant("failing_since"),
    one_of("state", ["enabled", "disabled"]),
    one_of("format", ["reelgate", "openai"]),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Null: it goes to the callback address of the generation.
    Column("endpoint_id", ForeignKey("webhook_endpoints.id")),
    Column("event_id", ForeignKey("events.id", ondelete="SET NULL")),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_status", Integer),
    Column("last_error", Text),
    created(),
    instant("next_attempt_at"),
    instant("finished_at"),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    # Null: a test.
    Column("generation_id", ForeignKey("generations.id")),
    Column("type", Text, nullable=False),
    UniqueConstraint("event_id", "endpoint_id"),
    Index("webhook_deliveries_callback_idx", "event_id", unique=True,
          postgresql_where=text("endpoint_id IS NULL")),
    Index("webhook_deliveries_pending_idx", "next_attempt_at",
          postgresql_where=text("state = 'pending'")),
    Index("webhook_deliveries_endpoint_idx", "endpoint_id", "created_at"),
    Index("webhook_deliveries_member_idx", "member_id", "created_at"),
    Index("webhook_deliveries_team_idx", "team_id", "created_at"),
    Index("webhook_deliveries_created_idx", "created_at"),
    one_of("state", ["pending", "delivered", "failed"]),
)  # fmt: skip

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("delivery_id", ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
           nullable=False, index=True),
    Column("number", Integer, nullable=False),
    created(),
    Column("seconds", Float, nullable=False),
    Column("request_headers", JSONB, nullable=False),
    Column("request_body", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("answer", Text),
)  # fmt: skip
