"""When the next attempt after a refused one of an SDK's call is expected

Revision: 0008
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0008_admission.sql"


def upgrade() -> None:
    # The default is for what calls the function that was there before, while this is done.
    op.add_column(
        "sdk_refusals",
        sa.Column(
            "expected_from",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    # The same arguments and the same answer: processes of either version call it.
    op.get_bind().connection.cursor().execute(SQL.read_text())


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
