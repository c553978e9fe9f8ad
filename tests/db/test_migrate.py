"""Upgrades: functions come with each, and other schemas are refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from app import loop, processes
from app.db import migrate
from app.db.session import sqlalchemy_url
from app.errors import ConfigurationError
from app.runtime import Runtime
from tests.harness.database import Server
from tests.harness.gateway import settings_for
from tests.harness.processes import Process

#: What the migrations of before the first release had made by then, of what tells them apart.
_BEFORE_THE_FIRST_RELEASE = {
    "0001": ("teams", "members", "api_keys", "rate_states", "audit_log"),
    "0004": ("teams", "members", "switches", "generations", "procrastinate_jobs"),
    "0008": ("teams", "members", "switches", "generations", "sdk_refusals"),
}


def run(address: str, *statements: str) -> None:
    with create_engine(sqlalchemy_url(address), poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def functions(address: str) -> dict[str, str]:
    with create_engine(sqlalchemy_url(address), poolclass=NullPool).connect() as connection:
        rows = connection.execute(
            text("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'reelgate%'")
        )
        return {row.proname: row.prosrc for row in rows}


def tables(address: str) -> int:
    with create_engine(sqlalchemy_url(address), poolclass=NullPool).connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM pg_stat_user_tables")) or 0)


def made_by(address: str, revision: str) -> str:
    run(
        address,
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)",
        f"INSERT INTO alembic_version VALUES ('{revision}')",
        *(f"CREATE TABLE {name} (id integer)" for name in _BEFORE_THE_FIRST_RELEASE[revision]),
    )
    return address


@pytest.fixture
def empty_url(postgres: Server) -> Iterator[str]:
    with postgres.empty() as address:
        yield address


def test_an_upgrade_applies_every_function_also_where_no_migration_is_missing(
    database_url: str,
) -> None:
    applied = functions(database_url)
    assert applied
    for name in applied:
        run(database_url, f"DROP FUNCTION {name} CASCADE")
    for _ in range(2):
        migrate.upgrade(database_url)
        assert functions(database_url) == applied
        with pytest.raises(ProgrammingError, match="audit_log takes no DELETE"):
            run(database_url, "DELETE FROM audit_log")


def test_an_upgrade_says_what_it_did(empty_url: str, tmp_path: Path) -> None:
    head = migrate.head_revision()
    assert migrate.upgrade(empty_url) == migrate.Upgrade(before=None, after=head)
    process = Process(
        "migrate", folder=tmp_path, name="migrate", settings={"DATABASE_URL": empty_url}
    )
    assert process.exit_code() == 0, process.errors
    assert process.printed == (
        f"No migration was missing: the schema is at revision {head}. "
        "Its functions were applied again.\n"
    )
    created = migrate.Upgrade(before=None, after="0002").detail
    assert created == "The schema was created, at revision 0002."
    upgraded = migrate.Upgrade(before="0001", after="0002").detail
    assert upgraded == "The schema was upgraded from revision 0001 to 0002."


def test_a_check_changes_nothing(database_url: str) -> None:
    for name in functions(database_url):
        run(database_url, f"DROP FUNCTION {name} CASCADE")
    migrate.check(database_url)
    assert functions(database_url) == {}


@pytest.mark.parametrize("revision", _BEFORE_THE_FIRST_RELEASE)
def test_a_schema_of_before_the_first_release_is_not_migrated(
    empty_url: str, revision: str
) -> None:
    made = tables(made_by(empty_url, revision))
    with pytest.raises(ConfigurationError) as refused:
        migrate.upgrade(empty_url)
    assert str(refused.value) == (
        f"The database's schema (revision {revision}) was made before the first release of "
        "Reelgate and cannot be upgraded: use an empty database; for the "
        "embedded one, set another REELGATE_DATA_DIR."
    )
    assert (tables(empty_url), functions(empty_url)) == (made, {})


@pytest.mark.parametrize(
    "grown", ["DROP TABLE grants CASCADE", "ALTER TABLE generations DROP COLUMN metadata CASCADE"]
)
def test_a_schema_of_the_first_migration_before_it_was_whole_is_not_migrated(
    database_url: str, grown: str
) -> None:
    run(database_url, grown)
    with pytest.raises(ConfigurationError, match="before the first release"):
        migrate.upgrade(database_url)


def test_the_schema_of_a_newer_release_is_not_migrated_back(database_url: str) -> None:
    run(database_url, "UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(ConfigurationError, match="at revision 0002, and this version of Reelgate"):
        migrate.upgrade(database_url)


def test_no_process_starts_on_a_schema_of_before_the_first_release(
    empty_url: str, tmp_path: Path
) -> None:
    settings = settings_for(made_by(empty_url, "0008"), tmp_path, port=0)

    async def nothing(rt: Runtime) -> None:
        raise AssertionError("a command began its work")

    starts: list[Callable[[], object]] = [
        lambda: processes.up(settings),
        lambda: processes.migrated(settings),
        lambda: loop.run(lambda stopping: processes.serve(settings, stopping)),
        lambda: loop.run(lambda stopping: processes.work(settings, stopping)),
        lambda: processes.run_command(settings, nothing),
    ]
    for start in starts:
        with pytest.raises(ConfigurationError, match="before the first release"):
            start()


def test_a_command_says_so_in_one_sentence(empty_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": made_by(empty_url, "0008")}
    sentence = (
        "The database's schema (revision 0008) was made before the first release of Reelgate and "
        "cannot be upgraded: use an empty database; for the "
        "embedded one, set another REELGATE_DATA_DIR."
    )
    for command in ("migrate", "upstream list"):
        process = Process(*command.split(), folder=tmp_path, name="command", settings=settings)
        assert process.exit_code() == 1
        assert process.printed == ""
        assert process.errors == f"reelgate: {sentence}\n"
    doctor = Process("doctor", folder=tmp_path, name="doctor", settings=settings)
    assert doctor.exit_code() == 1
    assert f"FAIL  migrations: {sentence}\n" in doctor.printed
