"""The command line of Reelgate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import doctor as examination
from app import members, processes
from app.db import members as rows
from app.domain.caller import Role, Status
from app.errors import ConfigurationError, GatewayError
from app.members import Limits
from app.runtime import Runtime
from app.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Reelgate: a gateway for AI video.")  # fmt: skip
team_cli = typer.Typer(no_args_is_help=True, help="Teams and their limits.")
member_cli = typer.Typer(no_args_is_help=True, help="Members and their limits.")
key_cli = typer.Typer(no_args_is_help=True, help="API keys.")
cli.add_typer(team_cli, name="team")
cli.add_typer(member_cli, name="member")
cli.add_typer(key_cli, name="key")

_ACTOR = "cli"
_out = Console()

Name = Annotated[str, typer.Argument(help="Its name.")]
TeamOption = Annotated[str, typer.Option("--team", help="The team's name.")]
MemberOption = Annotated[str, typer.Option("--member", help="The member's name.")]
Credits = Annotated[int | None, typer.Option(help="Credits it may use in all.")]
Rate = Annotated[int | None, typer.Option(help="Creates per minute.")]
Burst = Annotated[int | None, typer.Option(help="Creates in a row.")]
MaxOpen = Annotated[int | None, typer.Option(help="Generations in progress at a time.")]


@contextmanager
def _settings() -> Iterator[Settings]:
    """Checked settings with logging started; bad ones end the command with one sentence."""
    try:
        settings = Settings().checked()
        processes.start_logging(settings)
        yield settings
    except (ConfigurationError, GatewayError) as error:
        message = getattr(error, "message", None) or str(error)
        typer.echo(f"reelgate: {message}", err=True)
        raise typer.Exit(1) from None


def _with_runtime(act: Callable[[Runtime], Awaitable[None]]) -> None:
    with _settings() as settings, processes.database_of(settings) as connected:
        asyncio.run(processes.with_runtime(connected, act))


@cli.command()
def up() -> None:
    """Run everything in one process; embedded Postgres and simulator where nothing else is set."""
    with _settings() as settings:
        processes.up(settings)


@cli.command()
def serve() -> None:
    """Run the API."""
    with _settings() as settings:
        processes.run(lambda stopping: processes.serve(settings, stopping))


@cli.command()
def worker() -> None:
    """Run a worker: submissions, polls, archiving, upkeep."""
    with _settings() as settings:
        processes.run(lambda stopping: processes.work(settings, stopping))


@cli.command()
def simulate() -> None:
    """Run the simulator, a stand-in for the upstream, on loopback."""
    with _settings() as settings:
        processes.run(lambda stopping: processes.simulate(settings, stopping))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    with _settings() as settings, processes.database_of(settings) as connected:
        processes.migrated(connected)
        typer.echo("The schema is up to date.")


@cli.command()
def doctor() -> None:
    """Check database, migrations, archive, upstream keys and clock, and say what to do."""
    failed = False

    async def act(rt: Runtime) -> None:
        nonlocal failed
        async for finding in examination.examine(rt):
            mark = {True: "ok  ", False: "FAIL", None: "note"}[finding.ok]
            typer.echo(f"{mark}  {finding.name}: {finding.detail}")
            failed |= finding.ok is False

    _with_runtime(act)
    if failed:
        raise typer.Exit(1)


@team_cli.command("create")
def team_create(name: Name, credit_limit: Credits = None) -> None:
    """Make a team. Without a credit limit only its members' limits bind."""

    async def act(rt: Runtime) -> None:
        await members.create_team(rt, name, credit_limit=credit_limit, actor=_ACTOR)
        typer.echo(f"Team {name} is there.")

    _with_runtime(act)


@team_cli.command("list")
def team_list() -> None:
    """Show all teams."""

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_teams(tx)
        _print(
            ["team", "status", "members", "credit limit", "used"],
            [[t.name, t.status, t.members, t.credit_limit, t.used_credits] for t in found],
        )

    _with_runtime(act)


@team_cli.command("limit")
def team_limit(
    name: Name,
    credit_limit: Credits = None,
    unlimited: Annotated[bool, typer.Option(help="Take the team's limit away.")] = False,
) -> None:
    """Change a team's credit limit."""
    _require(unlimited or credit_limit is not None, "give --credit-limit or --unlimited")

    async def act(rt: Runtime) -> None:
        await members.change_team(
            rt, name, credit_limit=credit_limit, unlimited=unlimited, actor=_ACTOR
        )
        typer.echo(f"Team {name} is changed.")

    _with_runtime(act)


@team_cli.command("suspend")
def team_suspend(
    name: Name, undo: Annotated[bool, typer.Option(help="Let it in again.")] = False
) -> None:
    """Refuse every request of a team. What is under way goes on."""

    async def act(rt: Runtime) -> None:
        await members.change_team(rt, name, status=_status(undo), actor=_ACTOR)
        typer.echo(f"Team {name} is {_status(undo).value.lower()}.")

    _with_runtime(act)


@member_cli.command("create")
def member_create(
    name: Name,
    team: TeamOption,
    admin: Annotated[bool, typer.Option(help="It may see and manage the whole team.")] = False,
    credit_limit: Credits = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    max_open: MaxOpen = None,
) -> None:
    """Make a member. Limits that are not given are the configured defaults."""
    limits = Limits(credit_limit=credit_limit, rate_per_minute=rate_per_minute,
                    rate_burst=rate_burst, max_open=max_open)  # fmt: skip

    async def act(rt: Runtime) -> None:
        role = Role.ADMIN if admin else Role.MEMBER
        await members.create_member(rt, team, name, role=role, limits=limits, actor=_ACTOR)
        typer.echo(f"Member {name} of team {team} is there; give it a key: "
                   f"reelgate key create --team {team} --member {name}")  # fmt: skip

    _with_runtime(act)


@member_cli.command("list")
def member_list(
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
) -> None:
    """Show members, their limits and what they used."""

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_members(tx, team=team)
        _print(
            ["team", "member", "role", "status", "credit limit", "used", "per minute", "burst",
             "open"],
            [
                [m.team_name, m.name, m.role, m.status, m.credit_limit, m.used_credits,
                 m.rate_per_minute, m.rate_burst, m.max_open]
                for m in found
            ],
        )  # fmt: skip

    _with_runtime(act)


@member_cli.command("limit")
def member_limit(
    name: Name,
    team: TeamOption,
    credit_limit: Credits = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    max_open: MaxOpen = None,
) -> None:
    """Change a member's limits; what is not given stays."""
    limits = Limits(credit_limit=credit_limit, rate_per_minute=rate_per_minute,
                    rate_burst=rate_burst, max_open=max_open)  # fmt: skip

    async def act(rt: Runtime) -> None:
        m = await members.change_member(rt, team, name, limits=limits, actor=_ACTOR)
        typer.echo(
            f"Member {name} of team {team}: {m.credit_limit} credits ({m.used_credits} used), "
            f"{m.rate_per_minute} per minute, burst {m.rate_burst}, {m.max_open} open."
        )

    _with_runtime(act)


@member_cli.command("suspend")
def member_suspend(
    name: Name,
    team: TeamOption,
    undo: Annotated[bool, typer.Option(help="Let it in again.")] = False,
) -> None:
    """Refuse every request of a member. What is under way goes on."""

    async def act(rt: Runtime) -> None:
        await members.change_member(rt, team, name, status=_status(undo), actor=_ACTOR)
        typer.echo(f"Member {name} of team {team} is {_status(undo).value.lower()}.")

    _with_runtime(act)


@key_cli.command("create")
def key_create(
    team: TeamOption,
    member: MemberOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "unnamed",
    days: Annotated[float | None, typer.Option(help="Days until it expires.")] = None,
) -> None:
    """Make a key and show it, once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def act(rt: Runtime) -> None:
        key = await members.create_key(
            rt, team, member, name=name, expires_at=expires_at, actor=_ACTOR
        )
        typer.echo(key.secret)

    _with_runtime(act)


@key_cli.command("list")
def key_list() -> None:
    """Show keys by their first characters."""

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_keys(tx)
        _print(
            ["key", "team", "member", "name", "created", "expires", "revoked"],
            [
                [k.prefix + "…", k.team_name, k.member_name, k.name, _day(k.created_at),
                 _day(k.expires_at), _day(k.revoked_at)]
                for k in found
            ],
        )  # fmt: skip

    _with_runtime(act)


@key_cli.command("rotate")
def key_rotate(
    prefix: Annotated[str, typer.Argument(help="The key's first characters, from `key list`.")],
    overlap_hours: Annotated[float, typer.Option(help="How long the old key still works.")] = 24,
) -> None:
    """Make a new key for the same member and let the old one run out."""

    async def act(rt: Runtime) -> None:
        key = await members.rotate_key(
            rt, prefix, overlap_seconds=overlap_hours * 3600, actor=_ACTOR
        )
        typer.echo(key.secret)

    _with_runtime(act)


@key_cli.command("revoke")
def key_revoke(
    prefix: Annotated[str, typer.Argument(help="The key's first characters, from `key list`.")],
) -> None:
    """End a key now."""

    async def act(rt: Runtime) -> None:
        await members.revoke_key(rt, prefix, actor=_ACTOR)
        typer.echo(f"Key {prefix}… is revoked.")

    _with_runtime(act)


def _status(undo: bool) -> Status:
    return Status.ACTIVE if undo else Status.SUSPENDED


def _require(given: bool, message: str) -> None:
    if not given:
        raise typer.BadParameter(message)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _print(columns: list[str], lines: list[list[object]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*("" if cell is None else str(cell) for cell in line))
    _out.print(table)


def main() -> None:
    sys.exit(cli())
