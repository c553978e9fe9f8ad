"""How long a team's videos are kept, and what finds those that are due

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("teams", sa.Column("retention_days", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("teams_retention_days_check"), "teams", sa.text("retention_days > 0")
    )
    op.create_index(
        "assets_archived_idx",
        "assets",
        ["archived_at"],
        unique=False,
        postgresql_where=sa.text("state = 'archived'"),
    )
    op.create_index(
        "assets_leftover_idx",
        "assets",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'deleted' AND path IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
