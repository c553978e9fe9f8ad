"""The schema comes from the migrations alone, and they only go forward."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from app.db import migrate
from app.db.session import sqlalchemy_url
from tests.structure.sources import ROOT, parsed, python, read

_VERSIONS = [path for path in python("migrations") if path.parent.name == "versions"]
#: What a migration may reach for: the schema tools, its SQL files, and the job library's schema.
#: Never `app`: a migration means the same for ever, and the program changes.
_IMPORTS = {"__future__", "alembic", "pathlib", "procrastinate.schema", "sqlalchemy",
            "sqlalchemy.dialects"}  # fmt: skip


def test_a_migrated_database_is_what_the_tables_say(database_url: str) -> None:
    migrate.check(database_url)


def test_the_check_sees_a_difference(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE teams ADD COLUMN forgotten integer"))
    with pytest.raises(CommandError, match="forgotten"):
        migrate.check(database_url)


def test_migrations_are_one_line() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert [path.name[:4] for path in _VERSIONS] == revisions


@pytest.mark.parametrize("path", _VERSIONS, ids=lambda path: path.stem)
def test_a_migration_only_goes_forward(path: Path) -> None:
    """Going back is restoring a backup: a downgrade that was never run is not one."""
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
    assert "SET lock_timeout" in read("migrations/env.py")
