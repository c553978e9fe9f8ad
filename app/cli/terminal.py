"""What every command shares: settings, an opened runtime, common options, and tables.

Commands import what they need when they run, so that showing the help loads no other library.
"""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

from app.domain.accounts import Period
from app.domain.authority import Actor
from app.domain.caller import Status
from app.domain.ids import VIDEO_PREFIX, WEBHOOK_PREFIX, parse_generation_id, parse_webhook_id
from app.errors import ConfigurationError, GatewayError, summary

if TYPE_CHECKING:
    from app.runtime import Runtime
    from app.settings import Settings

#: Wide enough for every table: lines are left to the terminal, or to the next program.
_WIDTH = 400

#: The value of `--as`.
_named: str | None = None


def _generation_id(text: str) -> UUID:
    return parse_generation_id(text) or _refuse_id(text, "a generation", VIDEO_PREFIX)


def endpoint_id(text: str) -> UUID:
    """Raises `BadParameter`."""
    return parse_webhook_id(text) or _refuse_id(text, "a webhook endpoint", WEBHOOK_PREFIX)


def _refuse_id(text: str, what: str, prefix: str) -> NoReturn:
    raise typer.BadParameter(
        f"{text!r} is no id of {what}: give 32 hex digits, with or without hyphens and "
        f"{prefix!r} before them"
    )


GenerationId = Annotated[
    UUID,
    typer.Argument(
        parser=_generation_id, metavar="GENERATION", help="Its id, as any of the APIs shows it."
    ),
]
Name = Annotated[str, typer.Argument(help="Its name.")]
NewName = Annotated[str, typer.Argument(help="Its new name.")]
TeamOption = Annotated[str, typer.Option("--team", help="The team's name.")]
MemberOption = Annotated[str, typer.Option("--member", help="The member's name.")]
Credits = Annotated[
    int | None, typer.Option(help="Credits in each period; in total where there is none.")
]
CreditPeriod = Annotated[
    Period | None,
    typer.Option("--period", help="How often its credits begin anew. Default: never."),
]
TimeZone = Annotated[
    str | None,
    typer.Option(help="Where its days, weeks and months begin at midnight, as in Europe/Berlin."),
]
Rate = Annotated[int | None, typer.Option(help="Creates per minute.")]
Burst = Annotated[int | None, typer.Option(help="Burst: creates at once.")]
Reason = Annotated[
    str | None,
    typer.Option(
        help="Why, for the audit log. Required to raise a limit, to suspend and to end.",
    ),
]
MaxOpen = Annotated[int | None, typer.Option(help="Generations in progress at a time.")]


def group(help_text: str) -> typer.Typer:
    """A group of commands. Without one it shows its help."""
    return typer.Typer(no_args_is_help=True, help=help_text)


@contextmanager
def checked_settings(*, stopped: int = 130, sends: bool = False) -> Iterator[Settings]:
    """Checked settings, with logging started. Bad settings end the command with one sentence. So do
    Ctrl-C and SIGTERM, with `stopped` as the exit code. `sends`: the command calls the upstream."""
    from app.processes import start_logging
    from app.settings import Settings

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # From here on both signals raise `KeyboardInterrupt`, until a loop takes them over.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        settings = Settings().checked(sends=sends)
        start_logging(settings)
        yield settings
    except KeyboardInterrupt:
        typer.echo("reelgate: stopped before it was done.", err=True)
        raise typer.Exit(stopped) from None
    except (ConfigurationError, GatewayError) as error:
        typer.echo(f"reelgate: {_as_typed(error)}", err=True)
        raise typer.Exit(1) from None
    finally:
        signal.signal(signal.SIGTERM, before)


#: Fields that are typed in another form. A name is an argument, and has none.
_TYPED = {
    "credit_period": "--period", "models": "--model", "addresses": "--address",
    "scopes": "--scope", "required_tags": "--require-tag", "ends_at": "--days",
    "expires_at": "--days", "settled_credits": "--credits", "name": "name", "new_name": "new name",
}  # fmt: skip


def _as_typed(error: ConfigurationError | GatewayError) -> str:
    """What is wrong, with the options of the command line in the place of fields."""
    if not isinstance(error, GatewayError) or error.message != error.title or not error.issues:
        return str(error)
    return summary(
        [
            replace(issue, field=_TYPED.get(issue.field, f"--{issue.field.replace('_', '-')}"))
            for issue in error.issues
        ]
    )


def with_runtime(act: Callable[[Runtime], Awaitable[None]], *, migrated: bool = True) -> None:
    """`migrated`: the command needs a database with this version's schema."""
    from app import processes

    with checked_settings() as settings, processes.database_of(settings) as connected:
        processes.run_command(connected, act, migrated=migrated)


def act_as(name: str | None) -> None:
    """Sets the actor of this command for the audit log."""
    global _named
    require(name is None or bool(name.strip()), "it needs a name")
    _named = name


def actor(rt: Runtime) -> str:
    """The actor of this command for the audit log: `--as`, the setting `operator`, or the user of
    the operating system. With sudo, the calling user."""
    return f"cli:{_named or rt.settings.operator or _user()}"


def acting(rt: Runtime, reason: str | None) -> Actor:
    """Who changes teams, members and keys with this command, and why."""
    return Actor(name=actor(rt), reason=reason)


def _user() -> str:
    number = os.getuid()
    if number == 0 and (behind := os.environ.get("SUDO_USER")):
        return behind
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        # In containers, users often have no name.
        return str(number)


def status_of(undo: bool) -> Status:
    return Status.ACTIVE if undo else Status.SUSPENDED


def require(given: bool, message: str) -> None:
    if not given:
        raise typer.BadParameter(message)


#: How instants are typed.
INSTANTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def in_utc(moment: datetime | None) -> datetime | None:
    """A typed instant."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def credits_a(period: Period, limit: int) -> str:
    """A credit limit in words."""
    return f"{limit} credits" if period is Period.NONE else f"{limit} credits a {period.value}"


def show(columns: list[str], lines: list[list[object]]) -> None:
    """Prints a table to standard output. Cells are plain text: what callers wrote must not style or
    control an operator's terminal. Ids are never cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    for line in lines:
        table.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in line))
    Console(width=_WIDTH).print(table, soft_wrap=True, crop=False)


def printable(cell: str) -> str:
    """Text that others wrote, on one line."""
    return "".join(char if char.isprintable() else " " for char in cell)
