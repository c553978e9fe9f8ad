"""Commands for generations whose outcome is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import actor, day, group, show, with_runtime
from app.domain.operators import Outcome

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Generations whose outcome is unknown.")


@cli.command("list")
def unknown_list(
    limit: Annotated[int, typer.Option(help="How many at most.")] = 50,
) -> None:
    """List them, oldest first."""
    from app.db import generations

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await generations.list_unknown(tx, limit=limit)
        show(
            ["generation", "created", "sent", "credits held", "prompt"],
            [
                [g.id, day(g.created_at), day(g.submitted_at), g.quote, g.spec.prompt[:60]]
                for g in found
            ],
        )

    with_runtime(act)


@cli.command("resolve")
def unknown_resolve(
    generation: Annotated[UUID, typer.Argument(help="Its id, from `unknown list`.")],
    outcome: Annotated[
        Outcome,
        typer.Argument(
            help="delivered: it exists, give --link or --file; found: the upstream has a record "
            "of it, give --upstream-id; not_made: release the credits; lost: it was charged and "
            "cannot be had."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")],
    link: Annotated[str | None, typer.Option(help="Where the video can be downloaded.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="The video on this machine.", exists=True, dir_okay=False)
    ] = None,
    upstream_id: Annotated[
        str | None, typer.Option(help="The upstream's id of the video, which is then polled.")
    ] = None,
) -> None:
    """Resolve one by what you found out."""
    from app.generations import unknown
    from app.runtime import make_downloads, open_videos

    async def act(rt: Runtime) -> None:
        async with open_videos(rt) as videos:
            await unknown.resolve(
                videos, generation, outcome, reason=reason, link=link, file=file,
                upstream_id=upstream_id, actor=actor(rt),
                downloads=make_downloads(rt.settings) if link else None,
            )  # fmt: skip
        if outcome is Outcome.FOUND:
            typer.echo(f"The upstream is polled for generation {generation}; its answer ends it.")
        else:
            typer.echo(f"Generation {generation} is resolved as {outcome.value}.")

    with_runtime(act)
