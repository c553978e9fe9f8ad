"""Commands that run the processes and prepare their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app.cli.terminal import checked_settings, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = typer.Typer()


@cli.command()
def up() -> None:
    """Run everything in one process, with the embedded Postgres and the simulator unless others are
    set."""
    from app import processes

    with checked_settings(stopped=0, sends=True) as settings:
        processes.up(settings)


@cli.command()
def serve() -> None:
    """Run the API."""
    from app import loop, processes

    with checked_settings(stopped=0) as settings:
        loop.run(lambda stopping: processes.serve(settings, stopping))


@cli.command()
def worker() -> None:
    """Run a worker: submissions, polls, archiving, upkeep."""
    from app import loop, processes

    with checked_settings(stopped=0, sends=True) as settings:
        loop.run(lambda stopping: processes.work(settings, stopping))


@cli.command()
def simulate() -> None:
    """Run the simulator, a stand-in for the upstream, on loopback."""
    from app import loop, processes

    with checked_settings(stopped=0) as settings:
        loop.run(lambda stopping: processes.simulate(settings, stopping))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from app import processes

    with checked_settings() as settings, processes.database_of(settings) as connected:
        typer.echo(processes.migrated(connected).detail)


@cli.command()
def doctor() -> None:
    """Check database, migrations, archive, upstream keys and clock, and say what to do."""
    from app.operators import doctor as examination
    from app.runtime import make_upstream, open_videos

    failed = False

    async def act(rt: Runtime) -> None:
        nonlocal failed
        async with open_videos(rt) as videos:
            async for finding in examination.examine(videos, make_upstream(rt)):
                mark = {True: "ok  ", False: "FAIL", None: "note"}[finding.ok]
                typer.echo(f"{mark}  {finding.name}: {finding.detail}")
                failed |= finding.ok is False

    with_runtime(act, migrated=False)
    if failed:
        raise typer.Exit(1)
