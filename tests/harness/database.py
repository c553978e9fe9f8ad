"""A Postgres server for a test process, and a fresh migrated database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from app.db import migrate
from app.db.session import driver_conninfo
from app.embedded import embedded_postgres

TEMPLATE = "reelgate_template"


class Server:
    """`address` is the administrative database's."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = itertools.count()

    def prepare(self) -> None:
        """Migrates the template once; every test's database is a copy of it."""
        with self._admin() as connection:
            # Nothing here has to outlive the machine, and fsync is most of a test's time.
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name))
                )
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate.upgrade(self.named(TEMPLATE))

    def named(self, name: str) -> str:
        return self.address.replace("/postgres?", f"/{name}?", 1)

    def fresh(self) -> AbstractContextManager[str]:
        """A database at the newest schema."""
        return self._database(TEMPLATE)

    def empty(self) -> AbstractContextManager[str]:
        """A database that was never migrated."""
        return self._database("template0")

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"test_{next(self._numbers)}"
        with self._admin() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        try:
            yield self.named(name)
        finally:
            with self._admin() as connection:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(driver_conninfo(self.address), autocommit=True)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    with embedded_postgres(folder) as address:
        server = Server(address)
        server.prepare()
        yield server
