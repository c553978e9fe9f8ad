"""Only migrations make the schema, and they only go forward."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from app.db import migrate, tables
from app.db.session import sqlalchemy_url
from tests.harness.database import Server
from tests.structure.sources import ROOT, parsed, python, read

_VERSIONS = [path for path in python("migrations") if path.parent.name == "versions"]
#: What a migration may import: the schema tools, its SQL files, and the job library's schema. Never
#: `app`, because the program changes and a migration must not.
_IMPORTS = {"__future__", "alembic", "pathlib", "procrastinate.schema", "sqlalchemy",
            "sqlalchemy.dialects"}  # fmt: skip
#: Everything about the tables, including the defaults and checks that Alembic does not compare.
#: Only the migrations have the tables of Alembic and of the job library.
_CATALOGUE = text(
    """
    WITH ours AS (
        SELECT oid, relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
           AND relname <> 'alembic_version' AND relname NOT LIKE 'procrastinate\\_%'
    )
    SELECT concat_ws(' ', o.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                     nullif(a.attidentity, ''), pg_get_expr(d.adbin, d.adrelid))
      FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0
      LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT concat_ws(' ', o.relname, c.conname, pg_get_constraintdef(c.oid))
      FROM ours o JOIN pg_constraint c ON c.conrelid = o.oid
    UNION ALL
    SELECT pg_get_indexdef(i.indexrelid) FROM ours o JOIN pg_index i ON i.indrelid = o.oid
    UNION ALL
    SELECT concat_ws(' ', relname, reloptions) FROM pg_class NATURAL JOIN ours
    """
)


_FUNCTIONS = text(
    """
    SELECT DISTINCT pg_get_functiondef(d.refobjid)
      FROM pg_constraint c
      JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_proc'::regclass
     WHERE c.contype = 'c' AND c.connamespace = 'public'::regnamespace
    """
)


def test_migrations_and_tables_agree(database_url: str) -> None:
    migrate.check(database_url)


def test_they_agree_on_defaults_checks_and_indexes(postgres: Server, database_url: str) -> None:
    with postgres.empty() as bare:
        engine = create_engine(sqlalchemy_url(bare), poolclass=NullPool)
        with engine.begin() as connection:
            for function in _functions_of_checks(database_url):
                connection.exec_driver_sql(function)
            tables.generations.metadata.create_all(connection)
        assert _catalogue(database_url) == _catalogue(bare)


def _functions_of_checks(address: str) -> list[str]:
    """As the migrations make them: tables only name them."""
    engine = create_engine(sqlalchemy_url(address), poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.scalars(_FUNCTIONS))


def _catalogue(address: str) -> list[str]:
    engine = create_engine(sqlalchemy_url(address), poolclass=NullPool)
    with engine.connect() as connection:
        return sorted(connection.scalars(_CATALOGUE))


def test_the_check_finds_a_difference(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE teams ADD COLUMN forgotten integer"))
    with pytest.raises(CommandError, match="forgotten"):
        migrate.check(database_url)


def test_revisions_are_numbered_without_branches() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert [path.name[:4] for path in _VERSIONS] == revisions


@pytest.mark.parametrize("path", _VERSIONS, ids=lambda path: path.stem)
def test_a_migration_only_goes_forward(path: Path) -> None:
    """To go back, restore a backup: nobody runs and tests a downgrade."""
    functions = {node.name: node for node in parsed(path).body if isinstance(node, ast.FunctionDef)}
    down = functions["downgrade"].body
    assert len(down) == 1
    assert isinstance(down[0], ast.Raise)
    assert len(functions["upgrade"].body) > 0


@pytest.mark.parametrize("path", _VERSIONS, ids=lambda path: path.stem)
def test_a_migration_does_not_import_the_program(path: Path) -> None:
    imported = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module)
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    assert imported <= _IMPORTS


def test_every_migration_gives_up_on_a_lock_soon() -> None:
    assert "SET LOCAL lock_timeout" in read("migrations/env.py")
