"""Commands for prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.terminal import acting, day, group, require, show, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Prices with effective dates. They go before the price file.")

_MOST = 1000
_Why = Annotated[str, typer.Option(help="Why; kept with the price and in the audit log.")]


@cli.command("set")
def price_set(
    model: Annotated[str, typer.Option(help="The model that it is for.")],
    reason: _Why,
    credits_: Annotated[
        int | None, typer.Option("--credits", help="What one generation costs.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="End the price instead: a less specific one counts.")
    ] = False,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="OPTION=VALUE",
            help="Only with this value of an option, as in duration=10s; repeat it for several.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="INSTANT",
            help="From when on, as in 2026-07-01T00:00:00+02:00. Default: from now on.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Set what requests with these values cost, from now on or from a later instant."""
    from app.billing import prices

    require(end != (credits_ is not None), "give --credits or --end")
    match = {"model": model, **dict(map(_pair, with_ or ()))}
    effective_at = None if since is None else _instant(since)

    async def act(rt: Runtime) -> None:
        price = await prices.set_price(
            rt, match, credits_=credits_, effective_at=effective_at, actor=acting(rt, reason)
        )
        what = "no price" if price.credits is None else f"{price.credits} credits"
        typer.echo(
            f"{_words(price.match)}: {what} from {price.effective_at.isoformat()} on "
            f"(price {price.id})."
        )

    with_runtime(act)


@cli.command("withdraw")
def price_withdraw(
    price: Annotated[UUID, typer.Argument(metavar="PRICE", help="Its id.")], reason: _Why
) -> None:
    """Withdraw an upcoming price, which then never counts."""
    from app.billing import prices

    async def act(rt: Runtime) -> None:
        gone = await prices.withdraw_price(rt, price, actor=acting(rt, reason))
        typer.echo(f"Price {gone.id} is withdrawn.")

    with_runtime(act)


@cli.command("list")
def price_list() -> None:
    """List the prices that were set, the newest first, at most a thousand."""
    from app.billing import prices

    async def act(rt: Runtime) -> None:
        found = await prices.list_prices(rt, limit=_MOST, actor=acting(rt, None))
        show(
            ["price", "state", "matches", "credits", "from", "ended", "set", "by", "reason"],
            [
                [p.id, p.state, _words(p.match), "none" if p.credits is None else p.credits,
                 day(p.effective_at), day(p.ended_at), day(p.created_at), p.actor, p.reason]
                for p in found
            ],
        )  # fmt: skip

    with_runtime(act)


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    require(bool(equals), f"--with needs OPTION=VALUE, as in duration=10s; got {text}")
    return name, {"true": True, "false": False}.get(value, value)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    require(
        found is not None and found.tzinfo is not None,
        f"--from needs an instant with its offset, as in 2026-07-01T00:00:00+02:00; got {text}",
    )
    assert found is not None
    return found


def _words(match: Mapping[str, Any]) -> str:
    """The model first: the database has the names in an order of its own."""
    others = [f"{name}={str(match[name]).lower()}" for name in sorted(match) if name != "model"]
    return ", ".join([str(match["model"]), *others])
