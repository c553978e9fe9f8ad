"""Commands for the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import ACTOR, group, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime
    from app.videos.verify import Report

cli = group("The archive: whether it is whole, and moving it.")


@cli.command("verify")
def archive_verify(
    team: Annotated[str | None, typer.Option(help="Only this team's videos.")] = None,
    since_days: Annotated[
        int | None, typer.Option(min=1, help="Only what was archived in so many days.")
    ] = None,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Also list files that no record knows.")
    ] = False,
) -> None:
    """Read every archived file and compare it with its record. Exit 1 where one is not right."""
    from app.runtime import open_videos
    from app.videos import verify

    async def act(rt: Runtime) -> None:
        async with open_videos(rt) as videos:
            report = await verify.verify(videos, team=team, since_days=since_days)
            _say(report, ("ok", "missing", "changed", "unreadable"))
            found = await verify.find_orphans(videos) if orphans else []
        if orphans:
            typer.echo(f"{len(found)} without a record")
            for path in found[: verify.MAX_NAMED]:
                typer.echo(f"  {path}")
        _end(report)

    with_runtime(act)


@cli.command("move")
def archive_move(
    to: Annotated[str, typer.Option(help="Address of the store to copy to.")],
    source: Annotated[
        str | None,
        typer.Option("--from", help="Address of the store to copy from; default: the one in use."),
    ] = None,
    delete_source: Annotated[
        bool,
        typer.Option("--delete-source", help="Delete each file whose copy was read back right."),
    ] = False,
) -> None:
    """Copy every archived file to another store; run again, it copies what came since. Exit 1
    where a file did not get there."""
    from app.runtime import open_videos
    from app.videos import verify

    async def act(rt: Runtime) -> None:
        async with open_videos(rt) as videos:
            report = await verify.move(videos, to=to, source=source, delete_source=delete_source)
        _say(report, ("copied", "present", "missing", "changed", "unwritten"))
        _end(report)

    with_runtime(act)


@cli.command("retry")
def archive_retry(
    generation: Annotated[UUID, typer.Argument(help="Its id; its video was given up as lost.")],
) -> None:
    """Try again to archive a video that was given up, with a fresh link."""
    from app.videos import retry

    async def act(rt: Runtime) -> None:
        await retry.retry_archiving(rt, generation, actor=ACTOR)
        typer.echo(f"The video of {generation} is tried again.")

    with_runtime(act)


def _say(report: Report, verdicts: tuple[str, ...]) -> None:
    counts = {verdict.value: count for verdict, count in report.counts.items()}
    typer.echo(", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in verdicts))
    for path, verdict in report.bad:
        typer.echo(f"  {verdict.value}: {path}")


def _end(report: Report) -> None:
    if not report.sound:
        raise typer.Exit(1)
