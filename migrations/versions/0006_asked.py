"""What a caller asked in its own words, remixes, callbacks, and an SDK's attempts of one call

Revision: 0006
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0006_admission.sql"


def upgrade() -> None:
    op.add_column(
        "generations",
        sa.Column(
            "asked", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")
        ),
    )
    op.add_column("generations", sa.Column("remixed_from", sa.Uuid(), nullable=True))
    op.add_column("generations", sa.Column("callback_url", sa.Text(), nullable=True))
    op.add_column("generations", sa.Column("sdk_first", sa.Integer(), nullable=True))
    op.add_column("generations", sa.Column("sdk_last", sa.Integer(), nullable=True))
    op.add_column(
        "generations", sa.Column("sdk_last_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "sdk_refusals",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expected >= 0", name=op.f("sdk_refusals_expected_check")),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
            name=op.f("sdk_refusals_member_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "member_id",
            "api_key_id",
            "dialect",
            "fingerprint",
            "attempt",
            name=op.f("sdk_refusals_pkey"),
        ),
    )
    # Version 1 stays for the processes of a rolling update that are still of the last release.
    op.get_bind().connection.cursor().execute(SQL.read_text())


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
