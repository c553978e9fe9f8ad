"""Commands for grants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import acting, day, group, require, show, with_runtime

if TYPE_CHECKING:
    from app.billing.grants import AccountOf
    from app.runtime import Runtime

cli = group("Credits that an account may use beside its limit.")

#: A hundred years; longer means for ever.
_MAX_DAYS = 36_500


@cli.command("give")
def grant_give(
    credits_: Annotated[int, typer.Option("--credits", help="How many.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the grant and in the audit log.")],
    team: Annotated[str | None, typer.Option(help="To this team, or the member's team.")] = None,
    member: Annotated[str | None, typer.Option(help="To this member of the team.")] = None,
    key: Annotated[str | None, typer.Option(help="To this key, or the key so begins.")] = None,
    days: Annotated[
        float | None,
        typer.Option(
            max=_MAX_DAYS,
            help="Days until it ends. Default: the end of the account's present period, or never "
            "where it has none.",
        ),
    ] = None,
) -> None:
    """Grant credits to a team, a member or a key with a credit limit, beside that limit."""
    from app.billing import grants

    require(days is None or days > 0, "--days must be more than 0")
    account_of = _account_of(team, member, key)

    async def act(rt: Runtime) -> None:
        given = await grants.give(
            rt, account_of, credits_=credits_,
            ends_at=None if days is None else rt.clock.now() + timedelta(days=days),
            actor=acting(rt, reason),
        )  # fmt: skip
        until = "for good" if given.ends_at is None else f"until {day(given.ends_at)} UTC"
        typer.echo(f"Granted {given.credits} credits {until}.")

    with_runtime(act)


def _account_of(team: str | None, member: str | None, key: str | None) -> AccountOf:
    from app.billing.grants import KeyAccount, MemberAccount, TeamAccount

    require(
        (key is not None and team is None and member is None) or (key is None and team is not None),
        "give --team, or --team and --member, or --key",
    )
    if key is not None:
        return KeyAccount(key=key)
    if member is not None:
        return MemberAccount(team=team or "", member=member)
    return TeamAccount(team=team or "")


@cli.command("list")
def grant_list(
    team: Annotated[
        str | None, typer.Option(help="Only this team's, its members' and their keys'.")
    ] = None,
) -> None:
    """List grants, oldest first, also those that have ended."""
    from app.db import grants

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await grants.list_grants(tx, team=team)
        show(
            ["account", "team", "member", "key", "credits", "given", "ends", "by", "reason"],
            [
                [g.kind, g.team_name, g.member_name, g.key_prefix and f"{g.key_prefix}…",
                 g.credits, day(g.created_at), day(g.ends_at), g.actor, g.reason]
                for g in found
            ],
        )  # fmt: skip

    with_runtime(act)
