"""The tables of webhooks, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.columns import created, instant, metadata, one_of

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
    # Null: the event is the team's.
    Column("member_id", ForeignKey("members.id")),
    # Null: it is about credits, or a test.
    Column("generation_id", ForeignKey("generations.id")),
    # What is told of credits.
    Column("data", JSONB),
    Column("type", Text, nullable=False),
    UniqueConstraint("event_id", "endpoint_id"),
    Index("webhook_deliveries_callback_idx", "event_id", unique=True,
          postgresql_where=text("endpoint_id IS NULL")),
    Index("webhook_deliveries_pending_idx", "next_attempt_at",
          postgresql_where=text("state = 'pending'")),
    Index("webhook_deliveries_failed_idx", "team_id", "created_at", "id",
          postgresql_where=text("state = 'failed'")),
    Index("webhook_deliveries_endpoint_idx", "endpoint_id", "created_at"),
    # Of callbacks.
    Index("webhook_deliveries_member_idx", "member_id", "created_at",
          postgresql_where=text("endpoint_id IS NULL")),
    Index("webhook_deliveries_generation_idx", "generation_id"),
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
