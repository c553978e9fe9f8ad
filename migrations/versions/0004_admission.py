"""The job library's schema and the admission functions

Revision: 0004
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0004_admission.sql"


def upgrade() -> None:
    # The driver's own cursor: `%` and `:` in these files are SQL, not parameters.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(SchemaManager.get_schema())
    # A notification inside a transaction takes a lock of the whole server at commit and keeps it
    # until the disk has the commit: creates would go one after the other. Workers poll instead.
    cursor.execute(
        "ALTER TABLE procrastinate_jobs"
        " DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1"
    )
    cursor.execute(SQL.read_text())


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
