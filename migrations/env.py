"""Runs migrations and then applies every function, in one transaction: on the connection that
`reelgate migrate` passes in, or on `DATABASE_URL` for those who call `alembic` themselves."""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection, create_engine, text

from app.db import migrate, tables
from app.db.session import session_arguments, sqlalchemy_url
from app.errors import ConfigurationError
from app.settings import Settings


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """The job library keeps its own tables; they are not ours to compare."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


FUNCTIONS = Path(__file__).parent / "sql"


def _upgrades() -> bool:
    """Whether this is an upgrade: `alembic check` and the like go to no revision."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.generations.metadata,
        include_name=_ours,
    )
    with context.begin_transaction():
        # Two that start together take turns. The lock goes with the transaction: behind a pooler a
        # session outlives this process, and would keep it.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('reelgate migrate'))"))
        # A migration that cannot get its lock fails fast instead of stopping the requests behind.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.config.attributes["found"] = migrate.get_migratable(connection)
        context.run_migrations()
        if _upgrades():
            for file in sorted(FUNCTIONS.glob("*.sql")):
                # The driver's own cursor: `%` and `:` in these files are SQL, not parameters.
                connection.connection.cursor().execute(file.read_text())


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    address = Settings().session_address
    if address is None:
        raise ConfigurationError("DATABASE_URL must be set to a PostgreSQL address.")
    given = address.get_secret_value()
    engine = create_engine(sqlalchemy_url(given), connect_args=session_arguments(given))
    with engine.connect() as opened:
        _run(opened)
