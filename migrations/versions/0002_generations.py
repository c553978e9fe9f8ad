"""Generations, ledger, assets, events

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("name IN ('admission', 'submission')", name=op.f("switches_name_check")),
        sa.PrimaryKeyConstraint("name", name=op.f("switches_pkey")),
    )
    op.execute("INSERT INTO switches (name) VALUES ('admission'), ('submission')")
    op.create_table(
        "upstream_keys",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "arrival_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('active', 'set_aside')", name=op.f("upstream_keys_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("upstream_keys_pkey")),
        sa.UniqueConstraint("fingerprint", name=op.f("upstream_keys_fingerprint_key")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "generations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("spec", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quote", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("upstream_key_id", sa.Integer(), nullable=True),
        sa.Column("upstream_id", sa.Text(), nullable=True),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "result_paths",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("queue_deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("running_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL)",
            name=op.f("generations_finished_check"),
        ),
        sa.CheckConstraint(
            "state <> 'running' OR upstream_id IS NOT NULL",
            name=op.f("generations_running_has_id_check"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'submitting', 'running', 'succeeded', 'failed', "
            "'canceled', 'unknown')",
            name=op.f("generations_state_check"),
        ),
        sa.CheckConstraint("quote > 0", name=op.f("generations_quote_check")),
        sa.CheckConstraint(
            "settled >= 0 AND settled <= quote", name=op.f("generations_settled_check")
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("generations_api_key_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("generations_member_id_fkey")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("generations_team_id_fkey")),
        sa.ForeignKeyConstraint(
            ["upstream_key_id"], ["upstream_keys.id"], name=op.f("generations_upstream_key_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("generations_pkey")),
    )
    op.create_index(
        "generations_history_idx",
        "generations",
        [
            sa.literal_column("(spec ->> 'model')"),
            sa.literal_column("(spec ->> 'duration')"),
            sa.literal_column("finished_at DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("state = 'succeeded'"),
    )
    op.create_index(
        "generations_member_idx",
        "generations",
        ["member_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "generations_open_idx",
        "generations",
        ["member_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'submitting', 'running')"),
    )
    op.create_index(
        "generations_team_idx",
        "generations",
        ["team_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "generations_unfinished_idx",
        "generations",
        ["state", "created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'submitting', 'running', 'unknown')"),
    )
    op.create_index(
        "generations_upstream_idx",
        "generations",
        ["upstream_key_id", "upstream_id"],
        unique=True,
        postgresql_where=sa.text("upstream_id IS NOT NULL"),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("source_link", sa.Text(), nullable=True),
        sa.Column("source_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), server_default="video/mp4", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("mismatch", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('video', 'thumbnail')", name=op.f("assets_kind_check")),
        sa.CheckConstraint(
            "state <> 'archived' OR (path IS NOT NULL AND sha256 IS NOT NULL AND size_bytes > 0)",
            name=op.f("assets_archived_check"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'archived', 'lost', 'deleted')", name=op.f("assets_state_check")
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("assets_generation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("assets_pkey")),
        sa.UniqueConstraint("generation_id", "kind", name=op.f("assets_generation_id_kind_key")),
    )
    op.create_index(
        "assets_pending_idx",
        "assets",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("events_generation_id_fkey")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("events_member_id_fkey")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("events_team_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
    )
    op.create_index(op.f("events_generation_id_idx"), "events", ["generation_id"], unique=False)
    op.create_index("events_member_idx", "events", ["member_id", "id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
            name=op.f("idempotency_keys_generation_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
            name=op.f("idempotency_keys_member_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "scope", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_index(
        "idempotency_keys_expires_idx", "idempotency_keys", ["expires_at"], unique=False
    )
    op.create_index(
        "idempotency_keys_generation_idx", "idempotency_keys", ["generation_id"], unique=False
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind <> 'release' OR NOT counted",
            name=op.f("ledger_entries_release_not_counted_check"),
        ),
        sa.CheckConstraint(
            "kind <> 'settle' OR counted", name=op.f("ledger_entries_settle_counted_check")
        ),
        sa.CheckConstraint(
            "kind IN ('hold', 'settle', 'release')", name=op.f("ledger_entries_kind_check")
        ),
        sa.CheckConstraint("credits >= 0", name=op.f("ledger_entries_credits_check")),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("ledger_entries_generation_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("ledger_entries_member_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("ledger_entries_team_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entries_pkey")),
    )
    op.create_index(
        "ledger_entries_end_idx",
        "ledger_entries",
        ["generation_id"],
        unique=True,
        postgresql_where=sa.text("kind <> 'hold'"),
    )
    op.create_index(
        "ledger_entries_hold_idx",
        "ledger_entries",
        ["generation_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'hold'"),
    )
    op.create_index(
        "ledger_entries_member_idx",
        "ledger_entries",
        ["member_id"],
        unique=False,
        postgresql_include=["credits"],
        postgresql_where=sa.text("counted"),
    )
    op.create_index(
        "ledger_entries_team_idx",
        "ledger_entries",
        ["team_id"],
        unique=False,
        postgresql_include=["credits"],
        postgresql_where=sa.text("counted"),
    )


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
