"""Which files may use a library or do something. Import layers are in pyproject.toml."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.structure.sources import imported as imported_by
from tests.structure.sources import mentions, parsed, python, read, tracked

#: Library → where it may be imported, and why.
OWNERS = {
    "alembic": {
        "app/db/migrate.py": "runs the migrations",
        "migrations/": "is written in it",
    },
    "av": {
        "app/videos/probe.py": "reads videos",
        "app/videos/thumbnails.py": "takes frames from videos",
        "app/videos/sandbox.py": "imports it once for all files",
        "app/simulator/": "renders videos",
    },
    "fastapi_swagger": {"app/openapi/routes.py": "serves the files of Swagger UI"},
    "httptools": {"app/http/protocol.py": "reads what uvicorn would lose"},
    "httpx": {
        "app/http_client.py": "sends every request",
        "app/fetch.py": "reads addresses as the client that connects to them does",
    },
    "obstore": {"app/videos/store.py": "is the archive"},
    "PIL": {
        "app/inputs/images.py": "reads uploaded images",
        "app/videos/thumbnails.py": "writes pictures of videos",
        "app/simulator/": "draws the prompt into the video",
    },
    "procrastinate": {
        "app/jobs.py": "is the queue",
        "migrations/": "makes the library's own tables",
    },
    "joserfc": {"app/oidc/tokens.py": "verifies ID tokens"},
    "prometheus_client": {
        "app/telemetry.py": "defines every metric",
        "app/http/ops.py": "shows them",
        "app/processes.py": "shows a worker's",
    },
    "psycopg": {
        "app/db/direct.py": "sends the most frequent statements without anything around them",
        "app/db/session.py": "writes addresses as the driver reads them",
        "app/jobs.py": "shares the driver with the database",
        "app/live/watch.py": "listens on a connection of its own",
    },
    "python_multipart": {"app/http/multipart.py": "reads forms"},
    "rich": {"app/cli/terminal.py": "prints tables"},
    "sqlalchemy": {
        "app/db/": "is the database",
        "migrations/": "is written in it",
    },
    "standardwebhooks": {"app/webhooks/delivery.py": "signs webhooks"},
    "typer": {"app/cli/": "is the command line"},
    "uvicorn": {
        "app/http/protocol.py": "sets the limits of a connection",
        "app/http/server.py": "sets how it is served, and how it stops",
        "app/simulator/server.py": "sets up the simulator's server",
    },
    "uvloop": {"app/loop.py": "chooses the loop"},
}

#: Dotted name → the files that may use it, and why. A trailing slash means a whole folder.
ONLY_IN = {
    "datetime.now": {
        "app/runtime.py": "is the clock, which passes the time to everything else",
        "app/cli/keys.py": "counts a key's days from when the command was typed",
    },
    "datetime.utcnow": {},
    "datetime.today": {},
    "date.today": {},
    "time.time": {"app/simulator/app.py": "has a clock of its own, which tests replace"},
    "time.sleep": {"app/db/server.py": "waits for a server before anything else runs"},
    # They keep cookies, look ahead at redirects and unpack bodies of any size.
    "httpx.AsyncClient": {},
    "httpx.Client": {},
    "httpx.AsyncHTTPTransport": {"app/http_client.py": "opens one for each request"},
    "httpx.get": {},
    "httpx.post": {},
    "metrics.transitions": {
        "app/generations/lifecycle.py": "counts a move once its transaction has committed"
    },
    "transitions.move": {"app/generations/lifecycle.py": "makes all transitions"},
    "os.environ": {
        "app/cli/terminal.py": "looks who called sudo",
        "app/liveness.py": "asks a process without loading the settings",
        "app/settings/sources.py": "reads names that no setting has",
        "app/videos/store.py": "looks for the store's endpoint variable, which is no setting",
    },
    "os.getenv": {},
}


def _allowed(path: Path, places: dict[str, str]) -> bool:
    return any(
        str(path) == place or (place.endswith("/") and str(path).startswith(place))
        for place in places
    )


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_stays_where_it_belongs(library: str) -> None:
    importers = [path for path in python("app", "migrations") if library in imported_by(path)]
    assert [str(path) for path in importers if not _allowed(path, OWNERS[library])] == []
    for place in OWNERS[library]:
        known = any(_allowed(p, {place: ""}) for p in importers)
        assert known, f"{place} does not import {library}: remove it from OWNERS"


@pytest.mark.parametrize("name", ONLY_IN)
def test_a_name_is_used_only_where_it_belongs(name: str) -> None:
    found = [
        f"{path}:{line}"
        for path in python("app")
        for line, mentioned in mentions(path)
        if mentioned.endswith(name) and not _allowed(path, ONLY_IN[name])
    ]
    assert found == []


def test_clients_are_opened_by_the_runtime_alone() -> None:
    opened = {
        str(path)
        for path in python("app")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "HttpClient"
    }
    assert opened == {"app/runtime.py"}


def test_only_transitions_write_a_state() -> None:
    """No other SQL statement sets `generations.state`."""
    writers = {
        str(path)
        for path in python("app")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "UPDATE generations" in node.value
        and "state =" in node.value.partition("WHERE")[0]
    }
    assert writers <= {"app/db/transitions.py"}
    assert "UPDATE generations SET" in read("app/db/transitions.py")


def test_importing_a_module_does_nothing() -> None:
    """No module calls anything at its top level, except to assemble the command line."""
    doing = [
        f"{path}:{statement.lineno} {ast.unparse(statement.value.func)}"
        for path in python("app")
        for statement in parsed(path).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]
    assert [found for found in doing if not found.endswith(".add_typer")] == []


#: Rows that nobody may refer to anew while they are locked: they are about to end, or what is
#: referred to counts differently afterwards.
LOCKED_AGAINST_REFERENCES = {
    "app/db/accounts.py": r"SELECT FROM (api_keys|members|teams) WHERE \w*id = :id FOR UPDATE",
    "app/db/teams.py": "SELECT FROM teams WHERE id = :id FOR UPDATE",
    "app/db/webhook_endpoints.py": "SELECT FROM webhook_endpoints WHERE id = :id FOR UPDATE",
}


def test_a_row_that_is_only_changed_may_be_referred_to_meanwhile() -> None:
    """`FOR UPDATE` excludes every transaction that inserts a row which refers to this one, and two
    of them that lock the same row then wait for each other. `FOR NO KEY UPDATE` does not."""
    for path in (path for path in tracked() if path.suffix in (".py", ".sql")):
        if path.parts[0] not in ("app", "migrations"):
            continue
        without = re.sub(LOCKED_AGAINST_REFERENCES.get(str(path), "$^"), "", read(path))
        locks = re.findall(r"FOR UPDATE(?! (?:OF \w+ )?SKIP LOCKED)", without)
        assert not locks, f"{path}: FOR NO KEY UPDATE is enough"


_REQUESTS = "get|post|put|patch|delete|head|options|request|stream|Client|AsyncClient"


def test_a_test_says_how_long_it_waits_for_an_answer() -> None:
    """httpx gives up after five seconds by itself, which a busy machine exceeds. A `transport` of a
    test's own has no such end."""
    hurried = [
        f"{path}:{node.lineno}"
        for path in python("tests", "bench")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and re.fullmatch(rf"httpx\.({_REQUESTS})", ast.unparse(node.func))
        and not {"timeout", "transport", None} & {each.arg for each in node.keywords}
    ]
    assert hurried == []
