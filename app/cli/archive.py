"""Commands for the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import GenerationId, Reason, acting, actor, day, group, show, with_runtime
from app.domain.assets import AssetState

if TYPE_CHECKING:
    from app.runtime import Runtime
    from app.videos.verify import Report

cli = group("Verify, move and repair the archive.")


@cli.command("verify")
def archive_verify(
    team: Annotated[str | None, typer.Option(help="Only this team's videos.")] = None,
    since_days: Annotated[
        int | None, typer.Option(min=1, help="Only what was archived in the last days, this many.")
    ] = None,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Also list files without a record.")
    ] = False,
) -> None:
    """Read every archived file and compare it with its record. Exits with 1 if one is not right."""
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
        typer.Option("--delete-source", help="Delete each file once its copy has been verified."),
    ] = False,
) -> None:
    """Copy every archived file to another store. Run it again to copy new files. Exits with 1 if a
    file could not be copied."""
    from app.runtime import open_videos
    from app.videos import verify

    async def act(rt: Runtime) -> None:
        async with open_videos(rt) as videos:
            report = await verify.move(
                videos, to=to, source=source, delete_source=delete_source, actor=actor(rt)
            )
        _say(report, ("copied", "present", "missing", "changed", "unwritten"))
        _end(report)

    with_runtime(act)


@cli.command("list")
def archive_list(
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """List the videos that are not safely in the archive, oldest first, with the reasons."""
    from app.db import assets

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await assets.list_unarchived(tx, limit=limit)
        show(
            ["generation", "state", "since", "attempts", "last error", "file"],
            [
                [v.generation_id, v.state, day(v.created_at), v.attempts, v.last_error,
                 v.path if v.state is AssetState.SET_ASIDE else None]
                for v in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("accept")
def archive_accept(generation: GenerationId, reason: Reason = None) -> None:
    """Release a video that is set aside, as it is. Check its file first: `archive list` names
    it."""
    from app.videos import set_aside

    async def act(rt: Runtime) -> None:
        await set_aside.accept(rt, generation, actor=acting(rt, reason))
        typer.echo(f"The video of {generation} is archived as it is.")

    with_runtime(act)


@cli.command("retry")
def archive_retry(generation: GenerationId, reason: Reason = None) -> None:
    """Try to archive a video again that is lost or set aside."""
    from app.videos import retry

    async def act(rt: Runtime) -> None:
        await retry.retry_archiving(rt, generation, actor=acting(rt, reason))
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
