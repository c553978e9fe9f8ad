"""The start of a process: which databases it refuses, and what it reports: where it listens, what
it uses, and where its files are."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from app import __version__
from app.db import conditions, migrate
from app.db.session import POOLER, reason_of, shown_address
from app.errors import ConfigurationError, Unavailable
from app.runtime import Runtime
from app.settings import Settings
from app.telemetry import logger

log = logger(__name__)

#: Pages to open in a browser: the name of each in the report, and its path.
_PAGES = {"pages": "/", "docs": "/docs"}
_EMBEDDED = "embedded PostgreSQL in the data folder"


async def refuse_other_databases(rt: Runtime) -> None:
    """For a process that stays. Raises `ConfigurationError` where nothing here can ever work on the
    database. One that is away or behind may yet come: `/readyz` says so."""
    try:
        schema = await _examined(rt)
    except Unavailable as away:
        reason = reason_of(away) or away.message
        if POOLER in reason:
            raise ConfigurationError(f"{reason}.") from None
        log.warning("database_away", reason=reason)
        return
    if not schema.released:
        raise ConfigurationError(schema.detail)


async def need_database(rt: Runtime) -> None:
    """For a command, which works now or not at all. Raises `ConfigurationError`, `Unavailable`."""
    try:
        schema = await _examined(rt)
    except Unavailable as away:
        raise Unavailable(f"The database cannot be used: {reason_of(away)}.") from None
    if not schema.serves:
        raise ConfigurationError(
            f"The database is {schema.detail}: run `reelgate migrate`."
            if schema.released
            else schema.detail
        )


async def _examined(rt: Runtime) -> migrate.Schema:
    async with rt.db.single() as tx:
        for unmet in await conditions.unmet(tx, rt.db):
            if unmet.lasting:
                raise ConfigurationError(f"{unmet}.")
        return await migrate.schema_of(tx)


def facts(settings: Settings, *, api: bool, embedded: bool) -> dict[str, str]:
    """Without secrets. `embedded`: the database is the embedded PostgreSQL."""
    found = {}
    if api:
        found["listens"] = settings.listens_at
        found["public"] = settings.link_base
        found |= {name: settings.local_url + path for name, path in _PAGES.items()}
        metrics_port = settings.operations_port
    else:
        metrics_port = settings.worker_metrics_port
    if metrics_port:
        found["metrics"] = f"http://{settings.host}:{metrics_port}/metrics"
    elif api and settings.operations_apart:
        found["metrics"] = "nowhere: set REELGATE_OPERATIONS_PORT"
    return found | {
        "data": str(settings.data_dir.resolve()),
        "database": _EMBEDDED if embedded else _database(settings),
        "videos": settings.archive_address,
        "upstream": _upstream(settings),
    }


def simulator_facts(settings: Settings, address: str) -> dict[str, str]:
    """Of a simulator that is a process of its own. It has neither public address nor database."""
    return {
        "listens": address,
        "data": str((settings.data_dir / "simulator").resolve()),
        "speed": f"{settings.simulator_speed:g} times the upstream's",
        "setting": f"REELGATE_SIMULATOR_URL={address}",
    }


def _database(settings: Settings) -> str:
    assert settings.database_url is not None
    return shown_address(settings.database_url.get_secret_value())


def _upstream(settings: Settings) -> str:
    if settings.simulated:
        return f"SIMULATOR at {settings.upstream_url}: no video is real, and nothing is charged"
    if settings.upstream_proxy is not None:
        proxy = urlsplit(settings.upstream_proxy.get_secret_value())
        return f"{settings.upstream_url} through the proxy {proxy.hostname}:{proxy.port}"
    return settings.upstream_url


def block(facts: dict[str, str]) -> str:
    """The facts for a person."""
    width = max(map(len, facts)) + 2
    lines = [f"  {name.replace('_', ' '):<{width}}{fact}" for name, fact in facts.items()]
    return "\n".join([f"Reelgate {__version__}", "", *lines, ""])


def key_command(team: str = "TEAM", member: str = "MEMBER") -> str:
    """The command for another key."""
    return f"{_program()} key create --team {shlex.quote(team)} --member {shlex.quote(member)}"


def _program() -> str:
    """The command that runs this program here: `make run` does not put it on the PATH."""
    running = Path(sys.argv[0])
    found = shutil.which("reelgate")
    if found is not None and Path(found).resolve() == running.resolve():
        return "reelgate"
    here = Path.cwd()
    return str(running.relative_to(here) if running.is_relative_to(here) else running)
