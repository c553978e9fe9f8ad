"""Migrates a database to this version's schema.

The migration library is imported only where it is used: a serving process needs just the newest
revision, and would keep ten megabytes for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, NullPool, create_engine, text

from app.db import tables
from app.db.conditions import UTF8_DATABASE
from app.db.session import (
    DRIVER_ERRORS,
    OWN_SESSION,
    POOLER,
    Tx,
    reason_of,
    session_arguments,
    sqlalchemy_url,
)
from app.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

_PACKAGE = Path(__file__).resolve().parents[1]
_INSIDE = _PACKAGE / "migrations"
#: A package has them inside; in the repository and in the image they lie beside it.
MIGRATIONS = _INSIDE if _INSIDE.is_dir() else _PACKAGE.with_name("migrations")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def known_revisions() -> frozenset[str]:
    """Every migration of this version; files are named `<revision>_<what>`."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return frozenset(file.name.split("_")[0] for file in files)


def head_revision() -> str:
    """The newest of them."""
    return max(known_revisions())


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The schema of a database. `revision` is None if no migration has run. `released` is False if
    it was made before the first release."""

    revision: str | None
    released: bool

    @property
    def serves(self) -> bool:
        """Whether this version can work with it. A newer schema is that of a rolling upgrade: the
        functions that this version calls stay."""
        return (
            self.released
            and self.revision is not None
            and (self.revision == head_revision() or self.revision not in known_revisions())
        )

    @property
    def detail(self) -> str:
        """One sentence for an operator."""
        if not self.released:
            return (
                f"The database's schema (revision {self.revision}) was made before the first "
                "release of Reelgate and cannot be upgraded: use an empty database; for the "
                "embedded one, set another REELGATE_DATA_DIR."
            )
        return f"at {self.revision or 'nothing'}, this version needs {head_revision()}"


def read_schema(connection: Connection) -> Schema:
    there = connection.execute(_TABLES).one()
    if not there.alembic_version:
        return Schema(revision=None, released=True)
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return Schema(
        revision=revision,
        # Their revisions have the numbers of today's: 0001 to 0008. All but the first created
        # `switches`.
        released=revision is None
        or (
            there.generations
            and not there.switches
            and (revision != head_revision() or _is_complete(connection))
        ),
    )


def _is_complete(connection: Connection) -> bool:
    """Whether it has every column of this version. Until its release a migration still grows, so
    its revision alone does not say that."""
    needed = [
        {"table": table.name, "column": column.name}
        for table in tables.generations.metadata.tables.values()
        for column in table.c
    ]
    return not connection.scalar(_MISSING, {"needed": json.dumps(needed)})


_TABLES = text(
    "SELECT to_regclass('alembic_version') IS NOT NULL AS alembic_version,"
    " to_regclass('generations') IS NOT NULL AS generations,"
    " to_regclass('switches') IS NOT NULL AS switches"
)
_MISSING = text(
    """
    SELECT EXISTS (
        SELECT FROM jsonb_to_recordset(CAST(:needed AS jsonb)) AS n("table" text, "column" text)
         WHERE NOT EXISTS (
            SELECT FROM pg_attribute
             WHERE attrelid = to_regclass(n.table) AND attname = n.column AND NOT attisdropped))
    """
)


async def schema_of(tx: Tx) -> Schema:
    return await tx.run_sync(read_schema)


def get_migratable(connection: Connection) -> Schema:
    """The schema before a migration. Raises `ConfigurationError` if this version cannot migrate
    it."""
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise ConfigurationError(f"The database's encoding is {encoding}, and {UTF8_DATABASE}.")
    schema = read_schema(connection)
    if not schema.released:
        raise ConfigurationError(schema.detail)
    if schema.revision is not None and schema.revision not in known_revisions():
        raise ConfigurationError(
            f"The database is at revision {schema.revision}, and this version of Reelgate knows "
            f"none after {head_revision()}: migrate with the newer version."
        )
    return schema


def load() -> None:
    """Imports the migration library, for callers that must not be interrupted while they do."""
    import alembic.command  # noqa: F401


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: `before` is the revision that it found, None in a new database."""

    before: str | None
    after: str

    @property
    def detail(self) -> str:
        """One sentence for an operator."""
        if self.before is None:
            return f"The schema was created, at revision {self.after}."
        if self.before != self.after:
            return f"The schema was upgraded from revision {self.before} to {self.after}."
        return (
            f"No migration was missing: the schema is at revision {self.after}. "
            "Its functions were applied again."
        )


def upgrade(address: str) -> Upgrade:
    """Runs every missing migration and applies every function. Concurrent calls take turns. Raises
    `Unavailable`, or `ConfigurationError` if this version cannot migrate the schema."""
    from alembic import command

    config = _run(address, lambda config: command.upgrade(config, "head"))
    return Upgrade(config.attributes["found"].revision, head_revision())


def check(address: str) -> None:
    """Raises Alembic's `CommandError` if the schema and `tables.py` differ."""
    from alembic import command

    _run(address, command.check)


def _run(address: str, act: Callable[[Config], None]) -> Config:
    """The environment of the migrations leaves the schema that it found in `attributes`."""
    engine = create_engine(
        sqlalchemy_url(address),
        poolclass=NullPool,
        connect_args={"connect_timeout": 5, **session_arguments(address)},
    )
    try:
        with engine.connect() as connection:
            if not connection.scalar(OWN_SESSION):
                raise ConfigurationError(f"{POOLER}.")
            connection.rollback()
            config = _config()
            config.attributes["connection"] = connection
            act(config)
            return config
    # UnicodeError: for an impossible host name.
    except (*DRIVER_ERRORS, UnicodeError) as error:
        raise Unavailable(f"The database could not be migrated: {reason_of(error)}.") from None
