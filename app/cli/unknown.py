"""Commands for generations whose outcome is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import GenerationId, acting, actor, day, group, show, with_runtime
from app.domain.assets import AssetState
from app.domain.generation import Generation, State
from app.domain.operators import Effect, Outcome

if TYPE_CHECKING:
    from app.runtime import Runtime

#: What each outcome does with the video.
_VIDEO = {
    Outcome.DELIVERED: "is taken from --link or --file and archived",
    Outcome.FOUND: "is archived if there is one",
    Outcome.NOT_MADE: "does not exist",
    Outcome.LOST: "cannot be had",
}

cli = group("Generations whose outcome is unknown.")


@cli.command("list")
def unknown_list(
    limit: Annotated[int, typer.Option(help="How many at most.")] = 50,
) -> None:
    """List them, oldest first."""
    from app.generations import unknown

    async def act(rt: Runtime) -> None:
        found = await unknown.unresolved(rt, actor=acting(rt, None), limit=limit)
        show(
            ["generation", "why", "unknown since", "sent", "team/member", "key", "set aside",
             "prompt"],
            [
                [d.generation.id, d.unknown_reason, day(d.unknown_since),
                 day(d.generation.submitted_at), d.whose, f"{d.key_prefix}…", d.generation.quote,
                 (d.generation.spec.facts.prompt or "")[:60]]
                for d in (one.details for one in found)
            ],
        )  # fmt: skip
        if found:
            typer.echo()
            show(
                ["resolved as", "the credits set aside", "the video"],
                [
                    [effect.outcome.value, _credits(effect), _VIDEO[effect.outcome]]
                    for effect in found[0].effects
                ],
            )

    with_runtime(act)


def _credits(effect: Effect) -> str:
    if effect.held:
        return "kept until the upstream has been asked"
    return "settled" if effect.settled else "released"


@cli.command("resolve")
def unknown_resolve(
    generation: GenerationId,
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
            resolved = await unknown.resolve(
                videos, generation, outcome, reason=reason, link=link, file=file,
                upstream_id=upstream_id, actor=actor(rt),
                downloads=make_downloads(rt.settings) if link else None,
            )  # fmt: skip
        typer.echo(_result(resolved))

    with_runtime(act)


def _result(resolved: Generation) -> str:
    """What was done, by what is stored."""
    if resolved.state is State.UNKNOWN:
        return (
            f"Generation {resolved.id} stays unknown, with its {resolved.quote} credits set aside, "
            "until the upstream has been asked; its answer ends it."
        )
    settled = resolved.settled or 0
    result = f"Generation {resolved.id} has {resolved.state.value}: "
    if settled:
        result += f"{settled} credits are settled"
    if released := resolved.quote - settled:
        result += f"{', ' if settled else ''}{released} credits are released"
    if resolved.asset is None:
        return f"{result}. There is no video."
    if resolved.asset.state is AssetState.ARCHIVED:
        return f"{result}. Its video is archived."
    return f"{result}. A worker downloads its video from the link and archives it."
