"""Commands for the ledger of credits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import GenerationId, acting, actor, group, show, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("The ledger of credits and the balances of its accounts.")


@cli.command("verify")
def ledger_verify() -> None:
    """Sum the whole ledger and all generations, and compare every balance and the usage. Exits with
    1 if one differs."""
    from app.billing import accounts

    async def act(rt: Runtime) -> None:
        balances, usage = await accounts.verify(rt), await accounts.verify_usage(rt)
        if balances:
            show(
                ["account", "period", "member", "held", "in the ledger", "settled",
                 "in the ledger"],
                [
                    [one.account_id, one.period_on or "always", one.member_id, one.held,
                     one.ledger_held, one.settled, one.ledger_settled]
                    for one in balances
                ],
            )  # fmt: skip
        else:
            typer.echo("Every balance is what the ledger adds up to.")
        if usage:
            show(
                ["team", "member", "day", "tag", "model", "state", "generations", "there are",
                 "settled", "by them"],
                [
                    [one.team_id, one.member_id or "all", one.day or "always", one.tag, one.model,
                     one.state, one.generations, one.true_generations, one.settled,
                     one.true_settled]
                    for one in usage
                ],
            )  # fmt: skip
        else:
            typer.echo("Usage is what the generations add up to.")
        if balances or usage:
            raise typer.Exit(1)

    with_runtime(act)


@cli.command("rebuild")
def ledger_rebuild() -> None:
    """Make every balance what the ledger adds up to, and usage what the generations do. Creates
    wait meanwhile."""
    from app.billing import accounts

    async def act(rt: Runtime) -> None:
        await accounts.rebuild(rt, actor=actor(rt))
        typer.echo("The balances are made anew from the ledger, and usage from the generations.")

    with_runtime(act)


@cli.command("correct")
def ledger_correct(
    generation: GenerationId,
    credits_: Annotated[
        int, typer.Option("--credits", help="What it shall have cost in all: 0 to its quote.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger and in the audit log.")],
) -> None:
    """Correct what a generation has cost once it has ended: a refund, or a failure that was
    billed."""
    from app.billing import corrections

    async def act(rt: Runtime) -> None:
        made = await corrections.correct(
            rt, generation, settled_credits=credits_, actor=acting(rt, reason)
        )
        typer.echo(
            f"Generation {made.generation_id} has cost {made.settled} credits: "
            f"{made.credits:+} to what it had."
        )

    with_runtime(act)
