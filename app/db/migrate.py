"""Brings a database to this version's schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from app.db.session import sqlalchemy_url
from app.errors import Unavailable

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def head_revision() -> str:
    """The newest migration of this version of the program."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def upgrade(address: str) -> None:
    """Runs every migration that is missing. Two at once take turns. Raises `Unavailable`."""
    _run(address, lambda config: command.upgrade(config, "head"))


def check(address: str) -> None:
    """Raises Alembic's `CommandError` where the schema and `tables.py` differ."""
    _run(address, command.check)


def _run(address: str, act: object) -> None:
    engine = create_engine(
        sqlalchemy_url(address), poolclass=NullPool, connect_args={"connect_timeout": 5}
    )
    try:
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            assert callable(act)
            act(config)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        raise Unavailable(f"The database could not be migrated: {reason}") from None
