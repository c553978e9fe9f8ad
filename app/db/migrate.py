"""Brings a database to this version's schema.

The migration library is loaded where it is used: a serving process only asks for the newest
revision, and would keep ten megabytes for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from app.db.session import sqlalchemy_url
from app.errors import Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def known_revisions() -> frozenset[str]:
    """Every migration of this version of the program: files are named `<revision>_<what>`."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return frozenset(file.name.split("_")[0] for file in files)


def head_revision() -> str:
    """The newest of them."""
    return max(known_revisions())


def serves(revision: str | None) -> bool:
    """Whether this version of the program can work on a schema at `revision`. One that is ahead is
    that of a rolling upgrade: the functions it calls stay."""
    return revision is not None and (
        revision == head_revision() or revision not in known_revisions()
    )


def upgrade(address: str) -> None:
    """Runs every migration that is missing. Two at once take turns. Raises `Unavailable`."""
    from alembic import command

    _run(address, lambda config: command.upgrade(config, "head"))


def check(address: str) -> None:
    """Raises Alembic's `CommandError` where the schema and `tables.py` differ."""
    from alembic import command

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
