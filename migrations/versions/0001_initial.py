"""The tables, in the order of their references: who may ask, what is asked, what becomes of it, who
hears of it. One file a noun in the folder beside this one; the columns are explained in
`app/db/tables.py` and the modules that it imports.

Revision: 0001
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FOLDER = Path(__file__).parent / revision
#: Each refers to those before it.
TABLES = (
    "members", "sessions", "identities", "operators", "prices", "upstream_watermarks",
    "generations", "billing", "statements", "notices", "requests", "usage", "assets", "inputs",
    "favorites", "shares", "events", "webhooks",
)  # fmt: skip

# A notification inside a transaction takes a lock of the whole server at commit and keeps it until
# the disk has the commit: creates would go one after the other. Workers poll instead. Nobody reads
# since when a job waits either: only the event of its start counts, to rescue one that hangs.
SILENT_JOBS = """
ALTER TABLE procrastinate_jobs
    DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1,
    DISABLE TRIGGER procrastinate_trigger_status_events_insert_v1,
    DISABLE TRIGGER procrastinate_trigger_scheduled_events_v1;
"""

# The library's index of queues holds every job and no order. This one finds what goes before a job,
# in its queue alone. It is by `-priority` and not by `priority DESC` so that no other index has its
# order: whoever asks for it is given it, whatever the planner knows of the table.
ORDERED_QUEUES = """
DROP INDEX procrastinate_jobs_queue_name_idx_v1;
CREATE INDEX procrastinate_jobs_order_idx ON procrastinate_jobs (queue_name, (-priority), id)
    WHERE status = 'todo';
"""


def upgrade() -> None:
    # The driver's own cursor: `%` and `:` in these texts are SQL, not parameters.
    cursor = op.get_bind().connection.cursor()
    jobs = SchemaManager.get_schema()
    for table in TABLES:
        cursor.execute((FOLDER / f"{table}.sql").read_text())
    for part in (jobs, SILENT_JOBS, ORDERED_QUEUES):
        cursor.execute(part)


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
