"""Commands for the gateway as a whole: pauses, restores and upstream keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import GenerationId, actor, day, group, show, with_runtime
from app.domain.operators import Pause
from app.errors import NotFound

if TYPE_CHECKING:
    from app.operators.upstream_keys import KeyStatus
    from app.runtime import Runtime

cli = typer.Typer()
upstream_cli = group("Upstream keys, and what the upstream said.")

Label = Annotated[str, typer.Argument(help="The key's label, from `upstream list`.")]
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
def resume(
    what: What, reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None
) -> None:
    """End a pause."""
    from app.operators import pauses

    async def act(rt: Runtime) -> None:
        await pauses.set_paused(rt, what, paused=False, reason=reason, actor=actor(rt))
        typer.echo(f"{what.value} goes on.")

    with_runtime(act)


@cli.command("in-flight")
def in_flight() -> None:
    """Show what still goes on, and whether the gateway can be stopped without interrupting
    anything. Exits with 1 while it cannot."""
    from app.operators import overview

    async def act(rt: Runtime) -> None:
        found = await overview.drain_of(rt)
        show(
            ["queued", "submitting", "running", "archiving"],
            [[found.queued, found.submitting, found.running, found.archiving]],
        )
        if found.drained:
            typer.echo("Nothing is in flight, and nothing more is accepted: safe to stop.")
            return
        if not found.admission_paused:
            typer.echo("New requests are accepted: reelgate pause admission --reason '…'")
        elif not (found.queued or found.submitting or found.running or found.archiving):
            typer.echo(
                "Admission was paused less than half a minute ago: a request may still come."
            )
        if found.submission_paused and found.queued:
            typer.echo("Submission is paused, so what is queued waits: reelgate resume submission")
        raise typer.Exit(1)

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
    """List upstream keys by their labels: whether they are used, and what is left to them."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        show(
            ["key", "fingerprint", "state", "reason", "since", "returns", "breaker", "failures",
             "until", "this minute", "credits left", "days left", "test"],
            [_key_line(status) for status in await upstream_keys.list_keys(rt)],
        )  # fmt: skip

    with_runtime(act)


def _key_line(status: KeyStatus) -> list[object]:
    key, credits_ = status.key, status.watermark
    days_left = None if credits_ is None else credits_.days_left
    return [
        key.label, status.fingerprint, key.state, key.reason, day(key.set_aside_at),
        day(key.return_at), key.breaker, key.breaker_failures, day(key.breaker_until),
        f"{key.minute_requests} of {status.minute_limit}", credits_ and credits_.remaining,
        "" if days_left is None else f"{days_left:.1f}", key.test_result,
    ]  # fmt: skip


@upstream_cli.command("credits")
def upstream_credits(
    label: Label,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many intervals.")] = 50,
) -> None:
    """Show how the credits of a key's account changed beside the ledger, newest first."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        show(
            ["since", "until", "used", "limit", "change", "ledger from", "to", "limit change",
             "unexplained", "added", "uncertain"],
            [
                [day(i.since), day(i.until), i.used, i.credit_limit, i.change, i.ledger_least,
                 i.ledger_most, i.limit_change, i.unexplained, i.added, i.uncertain]
                for i in await upstream_keys.list_intervals(rt, label, limit=limit)
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


@upstream_cli.command("test")
def upstream_test(label: Label) -> None:
    """Have a worker test an upstream key with a look-up, which costs nothing."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        await upstream_keys.test(rt, label, actor=actor(rt))
        typer.echo("A worker tests it within seconds: reelgate upstream list")

    with_runtime(act)


@upstream_cli.command("pause")
def upstream_pause(
    label: Label, reason: Annotated[str, typer.Option(help="Why, for the audit log.")]
) -> None:
    """Submit nothing with an upstream key until it is returned. What it created is still polled."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        await upstream_keys.pause(rt, label, reason=reason, actor=actor(rt))
        typer.echo(f"Upstream key {label} is paused.")

    with_runtime(act)


@upstream_cli.command("return")
def upstream_return(
    label: Label, reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None
) -> None:
    """Use an upstream key again now that was paused or set aside."""
    from app.operators import upstream_keys

    async def act(rt: Runtime) -> None:
        await upstream_keys.return_to_use(rt, label, reason=reason, actor=actor(rt))
        typer.echo(f"Upstream key {label} is in use again.")

    with_runtime(act)
