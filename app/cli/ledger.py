"""Commands for the ledger of credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app.cli.terminal import actor, group, show, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("The ledger of credits and the balances of its accounts.")


@cli.command("verify")
def ledger_verify() -> None:
    """Sum the whole ledger and compare every balance. Exits with 1 if one differs."""
    from app.billing import accounts

    async def act(rt: Runtime) -> None:
        found = await accounts.verify(rt)
        if not found:
            typer.echo("Every balance is what the ledger adds up to.")
            return
        show(
            ["account", "period", "member", "held", "in the ledger", "settled", "in the ledger"],
            [
                [one.account_id, one.period_on or "always", one.member_id, one.held,
                 one.ledger_held, one.settled, one.ledger_settled]
                for one in found
            ],
        )  # fmt: skip
        raise typer.Exit(1)

    with_runtime(act)


@cli.command("rebuild")
def ledger_rebuild() -> None:
    """Make every balance what the ledger adds up to. Creates wait meanwhile."""
    from app.billing import accounts

    async def act(rt: Runtime) -> None:
        await accounts.rebuild(rt, actor=actor(rt))
        typer.echo("The balances are made anew from the ledger.")

    with_runtime(act)
