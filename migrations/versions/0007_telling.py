"""The order in which events can be told; webhook deliveries, their attempts, and callbacks

Revision: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The number of the transaction that wrote an event. The default is evaluated once for the rows
    # that are there, so no table is rewritten: they are in the order of their ids among themselves.
    op.add_column(
        "events",
        sa.Column(
            "txid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
    )
    op.create_index("events_told_idx", "events", ["txid", "id"], unique=False)

    op.add_column(
        "webhook_endpoints",
        sa.Column("form", sa.Text(), server_default="reelgate", nullable=False),
    )
    op.add_column("webhook_endpoints", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("webhook_endpoints", sa.Column("disabled_reason", sa.Text(), nullable=True))
    op.add_column(
        "webhook_endpoints", sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("webhook_endpoints_form_check"),
        "webhook_endpoints",
        sa.text("form IN ('reelgate', 'openai')"),
    )

    # Nothing has written a delivery before this revision.
    for name in ("team_id", "member_id"):
        op.add_column("webhook_deliveries", sa.Column(name, sa.Uuid(), nullable=False))
        op.create_foreign_key(
            op.f(f"webhook_deliveries_{name}_fkey"),
            "webhook_deliveries",
            f"{name.removesuffix('_id')}s",
            [name],
            ["id"],
        )
    op.add_column("webhook_deliveries", sa.Column("generation_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("webhook_deliveries_generation_id_fkey"),
        "webhook_deliveries",
        "generations",
        ["generation_id"],
        ["id"],
    )
    op.add_column("webhook_deliveries", sa.Column("type", sa.Text(), nullable=False))
    op.alter_column("webhook_deliveries", "endpoint_id", nullable=True)
    op.alter_column("webhook_deliveries", "event_id", nullable=True)
    op.drop_constraint(
        "webhook_deliveries_endpoint_id_event_id_key", "webhook_deliveries", type_="unique"
    )
    op.drop_constraint("webhook_deliveries_event_id_fkey", "webhook_deliveries", type_="foreignkey")
    op.create_foreign_key(
        op.f("webhook_deliveries_event_id_fkey"),
        "webhook_deliveries",
        "events",
        ["event_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_unique_constraint(
        op.f("webhook_deliveries_event_id_endpoint_id_key"),
        "webhook_deliveries",
        ["event_id", "endpoint_id"],
    )
    for name, columns, where, unique in (
        ("webhook_deliveries_callback_idx", ["event_id"], "endpoint_id IS NULL", True),
        ("webhook_deliveries_pending_idx", ["next_attempt_at"], "state = 'pending'", False),
        ("webhook_deliveries_endpoint_idx", ["endpoint_id", "created_at"], None, False),
        ("webhook_deliveries_member_idx", ["member_id", "created_at"], None, False),
        ("webhook_deliveries_team_idx", ["team_id", "created_at"], None, False),
        ("webhook_deliveries_created_idx", ["created_at"], None, False),
    ):
        op.create_index(
            name,
            "webhook_deliveries",
            columns,
            unique=unique,
            postgresql_where=None if where is None else sa.text(where),
        )

    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("request_headers", postgresql.JSONB(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name=op.f("webhook_attempts_delivery_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("webhook_attempts_pkey")),
    )
    op.create_index(
        op.f("webhook_attempts_delivery_id_idx"), "webhook_attempts", ["delivery_id"], unique=False
    )


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
