"""Runs migrations on the connection that `reelgate migrate` passes in."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from app.db.tables import metadata


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """The job library keeps its own tables; they are not ours to compare."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


connection: Connection = context.config.attributes["connection"]
# A migration that cannot get its lock fails fast instead of stopping every request behind it.
connection.execute(text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_name=_ours,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
