"""Whatever an operator sets wrong in the database's address, in `.env` or on the machine is said in
one sentence by every command, without a traceback and without a secret."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql as pg

from app.db.session import driver_conninfo
from tests.harness import database
from tests.harness.commands import Commands, Ran, commands

KEY = "canary-upstream-key-0001"
COMMANDS = {
    "migrate": ("migrate",),
    "serve": ("serve",),
    "worker": ("worker",),
    "doctor": ("doctor",),
    "key create": ("key", "create", "--team", "t", "--member", "m"),
    "member list": ("member", "list"),
    "unknown list": ("unknown", "list"),
    "after-restore": ("after-restore",),
}
OTHERS = {"up": ("up",), "simulate": ("simulate",), "team create": ("team", "create", "t")}
each_command = pytest.mark.parametrize("command", COMMANDS)
#: What looks after commands is the same for all that work on the database.
each_kind = pytest.mark.parametrize(
    "command", ["migrate", "serve", "worker", "doctor", "member list"]
)
#: What a process that stays says of a database that may yet come.
AWAY = "database_away"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("operator")) as opened:
        yield opened


def typed(shell: Commands, command: str, folder: Path, **settings: str) -> Ran:
    given = {
        "ONEMIN_API_KEY": KEY, "ONEMIN_BASE_URL": "http://127.0.0.1:9", "REELGATE_PORT": "0",
        "REELGATE_LOG_FORMAT": "json",
    }  # fmt: skip
    return shell.run(
        *{**COMMANDS, **OTHERS}[command], folder=folder, until=AWAY, settings={**given, **settings}
    )


def said(ran: Ran, command: str) -> str:
    """The sentence; of `doctor`, the finding that fails."""
    assert "canary" not in ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err
    if command == "doctor" and not ran.err:
        assert ran.code == 1
        assert all(re.match("(ok  |FAIL|note)  ", line) for line in ran.out.splitlines())
        return next(line for line in ran.out.splitlines() if line.startswith("FAIL"))
    lines = ran.err.splitlines()
    if command in ("serve", "worker") and ran.code is None:
        (line,) = (line for line in lines if AWAY in line)
        assert '"reason"' in line
        return line
    assert ran.code == 1, ran
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("reelgate: ")
    assert lines[0].endswith((".", ")")), lines[0]
    return lines[0]


@contextmanager
def something_else() -> Iterator[int]:
    """A port where no PostgreSQL listens, but something that answers."""

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


CANNOT_BE_READ = "DATABASE_URL cannot be read"
NOBODY = "postgresql://u:canary@127.0.0.1:9/d"
ADDRESSES = {
    "mysql://u:canary@h/d": "must be a PostgreSQL address",
    "canary": "must be a PostgreSQL address",
    "postgresql://u:canary@h/d?pgbouncer=true": "another tool's",
    "postgresql://u:canary@h/d?schema=public": "another tool's",
    "postgresql://u:canary@h1:5432,h2:5432/d": CANNOT_BE_READ,
    "postgresql://u:canary@h:port/d": CANNOT_BE_READ,
    "postgresql://u:canary@[::1/d": CANNOT_BE_READ,
    "postgresql://u:p@canary@h/d": CANNOT_BE_READ,
    "postgresql://u:a%00canary@h/d": CANNOT_BE_READ,
    "postgresql://u:canary\n@h/d": CANNOT_BE_READ,
    "postgresql://u:canary@127.0.0.1:99999/d": "99999",
    "postgresql://u:canary@127.0.0.1:0/d": "port",
    "postgresql://u:canary@nowhere.invalid/d": "nowhere.invalid",
    f"postgresql://u:canary@{'a' * 64}.example/d": "no name can be",
    "postgresql://u:canary@/d?host=/nowhere": "/nowhere",
    "postgresql://u:canary@/d?host=127.0.0.1,127.0.0.1&port=9,10,11": CANNOT_BE_READ,
    NOBODY: "refused",
    f"{NOBODY}?sslmode=bogus": "sslmode",
    f"{NOBODY}?sslmode=verify-full&sslrootcert=/nowhere": "",
    f"{NOBODY}?service=bogus": "service",
    f"{NOBODY}?connect_timeout=bogus": "refused",
    f"{NOBODY}?keepalives=bogus": "keepalives",
    f"{NOBODY}?target_session_attrs=bogus": "target_session_attrs",
    f"{NOBODY}?passfile=/nowhere&gssencmode=bogus": "gssencmode",
}


@each_kind
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_wrong_address(address: str, command: str, shell: Commands, tmp_path: Path) -> None:
    ran = typed(shell, command, tmp_path, DATABASE_URL=address)
    assert ADDRESSES[address] in said(ran, command)


@each_kind
def test_a_port_where_something_else_listens(command: str, shell: Commands, tmp_path: Path) -> None:
    with something_else() as port:
        address = f"postgresql://u:canary@127.0.0.1:{port}/d"
        said(typed(shell, command, tmp_path, DATABASE_URL=address), command)


@each_kind
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("/postgres?", "/nowhere?"), "does not exist"),
        (("//postgres@", "//nobody:canary@"), "nobody"),
        (("/postgres?", "/postgres?options=-cbogus%3D1&"), "bogus"),
    ],
)
def test_what_postgres_refuses(
    change: tuple[str, str], sentence: str, command: str, shell: Commands, tmp_path: Path,
    postgres: database.Server,
) -> None:  # fmt: skip
    address = postgres.address.replace(*change)
    assert address != postgres.address
    assert sentence in said(typed(shell, command, tmp_path, DATABASE_URL=address), command)


# What the database is like


@contextmanager
def sql(address: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        yield connection


@pytest.fixture
def ascii_url(postgres: database.Server) -> Iterator[str]:
    with sql(postgres.address) as admin:
        admin.execute(
            "CREATE DATABASE in_ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
            " TEMPLATE template0"
        )
        yield postgres.named("in_ascii")
        admin.execute("DROP DATABASE in_ascii WITH (FORCE)")


@each_kind
def test_a_database_that_is_not_in_utf8(
    command: str, shell: Commands, tmp_path: Path, ascii_url: str
) -> None:
    sentence = said(typed(shell, command, tmp_path, DATABASE_URL=ascii_url), command)
    assert "encoding is SQL_ASCII" in sentence
    assert "--encoding=UTF8" in sentence


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c not in ("migrate", "serve", "worker")]
)
def test_a_database_that_was_never_migrated(
    command: str, shell: Commands, tmp_path: Path, postgres: database.Server
) -> None:
    """A process that stays waits for it."""
    with postgres.empty() as address:
        sentence = said(typed(shell, command, tmp_path, DATABASE_URL=address), command)
    assert "at nothing" in sentence
    assert "run `reelgate migrate`" in sentence


@pytest.fixture
def role(postgres: database.Server, database_url: str) -> Iterator[str]:
    """A role that any connection of the test's database takes, without privileges."""
    with sql(postgres.address) as admin:
        admin.execute("CREATE ROLE clerk")
    try:
        with sql(database_url) as connection:
            connection.execute(
                pg.SQL("ALTER DATABASE {} SET role = 'clerk'").format(
                    pg.Identifier(connection.info.dbname)
                )
            )
        yield "clerk"
    finally:
        with sql(postgres.address) as admin:
            name = psycopg.conninfo.conninfo_to_dict(driver_conninfo(database_url))["dbname"]
            admin.execute(pg.SQL("ALTER DATABASE {} RESET ALL").format(pg.Identifier(str(name))))
            admin.execute("DROP OWNED BY clerk")
        with sql(database_url) as connection:
            connection.execute("DROP OWNED BY clerk")
            connection.execute("DROP ROLE clerk")


@each_command
def test_a_role_without_privileges(
    command: str, shell: Commands, tmp_path: Path, database_url: str, role: str
) -> None:
    sentence = said(typed(shell, command, tmp_path, DATABASE_URL=database_url), command)
    if command == "migrate":
        assert "permission denied" in sentence
        return
    assert "lacks privileges on alembic_version, api_keys" in sentence
    assert f"ALL TABLES IN SCHEMA public TO {role}" in sentence


@pytest.mark.parametrize("command", ["migrate", "doctor", "team create"])
def test_a_database_that_is_read_only(
    command: str, shell: Commands, tmp_path: Path, database_url: str
) -> None:
    with sql(database_url) as connection:
        connection.execute(
            pg.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(
                pg.Identifier(connection.info.dbname)
            )
        )
    sentence = said(typed(shell, command, tmp_path, DATABASE_URL=database_url), command)
    assert "read-only" in sentence


# What the machine is like


@pytest.mark.parametrize("command", ["serve", "worker", "doctor", "up", "simulate"])
@pytest.mark.parametrize("folder", ["/dev/null/data", "file"])
def test_a_data_folder_that_cannot_be_written(
    command: str, folder: str, shell: Commands, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "file").touch()
    data = str(tmp_path / folder)
    ran = typed(shell, command, tmp_path, DATABASE_URL=database_url, REELGATE_DATA_DIR=data)
    assert data in said(ran, command)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_signing_secret_that_is_not_whole(
    command: str, shell: Commands, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "signing-secret").touch()
    ran = typed(
        shell, command, tmp_path, DATABASE_URL=database_url, REELGATE_DATA_DIR=str(tmp_path)
    )
    assert "signing-secret is not whole: remove it" in said(ran, command)


@pytest.mark.parametrize(
    ("command", "settings", "sentence"),
    [
        ("serve", {"REELGATE_ARCHIVE_URL": "file:///dev/null/x"}, "/dev/null/x"),
        ("worker", {"REELGATE_ARCHIVE_URL": "s3://"}, "archive address must be"),
        ("doctor", {"REELGATE_ARCHIVE_URL": "s3://u:canary@bucket"}, "neither credentials"),
        ("serve", {"REELGATE_PRICES_FILE": "nowhere.toml"}, "REELGATE_PRICES_FILE: nowhere.toml"),
        ("serve", {"REELGATE_MONEY_PER_1000_CREDITS": "0,35 EUR"}, "as in 0.35 EUR"),
        ("serve", {"REELGATE_HOST": "256.1.1.1"}, "REELGATE_HOST"),
        ("serve", {"REELGATE_HOST": "nowhere.invalid"}, "REELGATE_HOST"),
        ("serve", {"REELGATE_HOST": f"{'a' * 64}.example"}, "REELGATE_HOST"),
        ("worker", {"REELGATE_HOST": "256.1.1.1", "REELGATE_WORKER_METRICS_PORT": "9099"},
         "256.1.1.1"),
        ("worker", {"ONEMIN_API_KEY": ""}, "A worker needs ONEMIN_API_KEY"),
        ("serve", {"REELGATE_SIMULATOR_URL": "http://127.0.0.1:99999"},
         "REELGATE_SIMULATOR_URL: its port must be"),
        ("worker", {"REELGATE_PUBLIC_URL": "https://u:canary"}, "REELGATE_PUBLIC_URL: its port"),
        ("serve", {"REELGATE_CORS_ORIGINS": "https://h:99999"}, "REELGATE_CORS_ORIGINS: its port"),
        ("serve", {"REELGATE_PUBLIC_URL": "https://u:canary@h"}, "without a query or a password"),
        ("up", {"REELGATE_PORT": "1e3"}, "REELGATE_PORT"),
        ("key create", {"REELGATE_DATABASE_POOL_SIZE": "many"}, "REELGATE_DATABASE_POOL_SIZE"),
        ("migrate", {"REELGATE_PROFILE": "prod"}, "REELGATE_PROFILE"),
    ],
)  # fmt: skip
def test_a_wrong_value(
    command: str, settings: dict[str, str], sentence: str, shell: Commands, tmp_path: Path,
    database_url: str,
) -> None:  # fmt: skip
    ran = typed(shell, command, tmp_path, **{"DATABASE_URL": database_url, **settings})
    assert sentence in said(ran, command)


# Where settings come from


@pytest.mark.parametrize("command", ["serve", "doctor", "key create"])
@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"ONEMIN_API_KEY=canary\n", 0o666, "run `chmod go-w` on it."),
        (b"ONEMIN_API_KEY canary\n", 0o600, "Line 1 of "),
        (b"ONEMIN_API_KEY=canary\xff\n", 0o600, "not text in UTF-8."),
        (b"ONEMIN_API_KEY_FILE=nowhere\n", 0o600, "Set ONEMIN_API_KEY or ONEMIN_API_KEY_FILE"),
        (b"REELGATE_SIGNING_SECRET_FILE=nowhere\n", 0o600, "REELGATE_SIGNING_SECRET_FILE names a"),
    ],
)
def test_a_wrong_env_file(
    content: bytes, mode: int, sentence: str, command: str, shell: Commands, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)
    (tmp_path / ".env").chmod(mode)
    assert sentence in said(typed(shell, command, tmp_path, DATABASE_URL=NOBODY), command)


def test_a_name_that_is_no_setting_is_said_at_the_start(
    shell: Commands, tmp_path: Path, database_url: str
) -> None:
    ran = typed(
        shell, "member list", tmp_path, DATABASE_URL=database_url, REELGATE_DATABASE_POOL="canary"
    )
    assert ran.code == 0
    assert "canary" not in ran.out + ran.err
    assert '"name": "REELGATE_DATABASE_POOL"' in ran.err
    assert "REELGATE_DATABASE_POOL_SIZE is one" in ran.err
