"""Commands for the gateway as a whole: pauses, restores and upstream keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import GenerationId, actor, day, group, show, with_runtime
from app.domain.operators import Pause
from app.errors import NotFound

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = typer.Typer()
upstream_cli = group("Upstream keys, and what the upstream said.")

What = Annotated[
    Pause,
    typer.Argument(help="admission: accept nothing; submission: send nothing upstream."),
]


@cli.command()
def pause(what: What, reason: Annotated[str, typer.Option(help="Why, for the audit log.")]) -> None:
    """Stop accepting requests, or stop sending them upstream. Generations in progress continue."""
    from app.operators import pauses

    async def act(rt: Runtime) -> None:
        await pauses.set_paused(rt, what, paused=True, reason=reason, actor=actor(rt))
        typer.echo(f"{what.value} is paused.")

    with_runtime(act)


@cli.command()
def resume(what: What) -> None:
    """End a pause."""
    from app.operators import pauses

    async def act(rt: Runtime) -> None:
        await pauses.set_paused(rt, what, paused=False, reason=None, actor=actor(rt))
        typer.echo(f"{what.value} goes on.")

    with_runtime(act)


@cli.command("after-restore")
def after_restore() -> None:
    """Before the first worker runs, mark what may have been sent since the backup as unknown."""
    from app.operators import restore

    async def act(rt: Runtime) -> None:
        held = await restore.mark_unsent_unknown(rt, actor=actor(rt))
        typer.echo(f"{held} generations are unknown now and will not be sent by themselves.")
        if held:
            typer.echo("Check each one at the upstream and resolve it: reelgate unknown list")

    with_runtime(act)


@upstream_cli.command("list")
def upstream_list() -> None:
    """List upstream keys by their labels, and show which are set aside."""
    from app.db import upstream_keys as rows

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_keys(tx)
        show(
            ["key", "state", "reason", "since", "returns", "breaker", "failures", "until"],
            [
                [k.label, k.state, k.reason, day(k.set_aside_at), day(k.return_at), k.breaker,
                 k.breaker_failures, day(k.breaker_until)]
                for k in found
            ],
        )  # fmt: skip

    with_runtime(act)


@upstream_cli.command("answer")
def upstream_answer(generation: GenerationId) -> None:
    """Show what the upstream said about a generation, in its own words."""
    from app.db import upstream_answers

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await upstream_answers.find(tx, generation)
        if found is None:
            raise NotFound(f"There is no generation {generation}.")
        show(
            ["state", "why", "key", "upstream id", "sent"],
            [[found.state, found.unknown_reason or found.error_code, found.key_label,
              found.upstream_id, day(found.submitted_at)]],
        )  # fmt: skip
        typer.echo(found.answer or "Nothing is stored: it said no more than the state does.")

    with_runtime(act)


@upstream_cli.command("return")
def upstream_return(
    label: Annotated[str, typer.Argument(help="The key's label, from `upstream list`.")],
) -> None:
    """Use an upstream key again now that was set aside."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        await upstream_keys.return_to_use(rt, label, actor=actor(rt))
        typer.echo(f"Upstream key {label} is in use again.")

    with_runtime(act)
