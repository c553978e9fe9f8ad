"""Commands for API keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.terminal import (
    Burst,
    CreditPeriod,
    Credits,
    MaxOpen,
    MemberOption,
    Rate,
    Reason,
    TeamOption,
    acting,
    credits_a,
    day,
    group,
    require,
    show,
    with_runtime,
)
from app.domain.accounts import Period
from app.domain.keys import Restrictions, Scope

if TYPE_CHECKING:
    from app.members.keys import Revoked
    from app.runtime import Runtime

cli = group("API keys.")

#: A hundred years; longer means for ever.
_MAX_DAYS = 36_500
_MAX_HOURS = 24 * _MAX_DAYS

WhichKey = Annotated[str, typer.Argument(help="The key, or its prefix as `key list` shows it.")]


Models = Annotated[
    list[str] | None, typer.Option(help="A model that it may use; repeat it for more.")
]
Addresses = Annotated[
    list[str] | None,
    typer.Option(help="An address or network from which it may be used; repeat it for more."),
]
Scopes = Annotated[
    list[Scope] | None,
    typer.Option(help="What it is for; repeat it for more. Default: everything."),
]


def _changed(
    before: Restrictions,
    rate_per_minute: int | None,
    rate_burst: int | None,
    max_open: int | None,
    models: list[str] | None,
    addresses: list[str] | None,
    scopes: list[Scope] | None,
) -> Restrictions:
    """With what is given. A rate without a burst gets its own."""
    given: dict[str, Any] = {
        "rate_per_minute": rate_per_minute,
        "rate_burst": rate_burst if rate_per_minute is None else rate_burst or rate_per_minute,
        "max_open": max_open,
        "models": models and tuple(models),
        "addresses": addresses and tuple(addresses),
        "scopes": scopes and tuple(scopes),
    }
    return replace(before, **{name: value for name, value in given.items() if value is not None})


@cli.command("create")
def key_create(
    team: TeamOption,
    member: MemberOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "unnamed",
    days: Annotated[
        float | None,
        typer.Option(max=_MAX_DAYS, help="Days until it expires. Default: never."),
    ] = None,
    credit_limit: Credits = None,
    period: CreditPeriod = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    max_open: MaxOpen = None,
    model: Models = None,
    address: Addresses = None,
    scope: Scopes = None,
    reason: Reason = None,
) -> None:
    """Create a key and show it once. What is not given is as its member's and its team's limits
    say."""
    from app.domain.keys import UNRESTRICTED
    from app.members import keys

    restrictions = _changed(
        UNRESTRICTED, rate_per_minute, rate_burst, max_open, model, address, scope
    )

    require(days is None or days > 0, "--days must be more than 0")
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def act(rt: Runtime) -> None:
        key = await keys.create_key(
            rt, team, member, name=name, expires_at=expires_at, credit_limit=credit_limit,
            credit_period=period or Period.NONE, restrictions=restrictions,
            actor=acting(rt, reason),
        )  # fmt: skip
        typer.echo(key.secret)

    with_runtime(act)


@cli.command("list")
def key_list(
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
) -> None:
    """List keys by their prefixes."""
    from app.db import api_keys

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await api_keys.list_keys(tx, team=team)
        show(
            ["key", "team", "member", "name", "scopes", "credit limit", "granted", "period",
             "used", "set aside", "created", "last used", "expires", "revoked"],
            [
                [k.shown, k.team_name, k.member_name, k.name,
                 ",".join(k.restrictions.scopes), k.credit_limit,
                 k.granted_credits if k.credit_limit is not None else None,
                 k.credit_period if k.credit_limit is not None else None,
                 k.settled_credits, k.held_credits, day(k.created_at), day(k.last_used_at),
                 day(k.expires_at), day(k.revoked_at)]
                for k in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("limit")
def key_limit(
    key: WhichKey,
    credit_limit: Credits = None,
    unlimited: Annotated[bool, typer.Option(help="Remove the key's own limit.")] = False,
    period: CreditPeriod = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    any_rate: Annotated[bool, typer.Option(help="Remove the key's own rate.")] = False,
    max_open: MaxOpen = None,
    any_open: Annotated[bool, typer.Option(help="Remove the key's own cap of open ones.")] = False,
    model: Models = None,
    any_model: Annotated[bool, typer.Option(help="Allow every model.")] = False,
    address: Addresses = None,
    any_address: Annotated[bool, typer.Option(help="Allow every address.")] = False,
    scope: Scopes = None,
    reason: Reason = None,
) -> None:
    """Change what a key may. The limits of its member and its team apply beside it."""
    from app.members import keys

    given = (rate_per_minute, rate_burst, max_open, model, address, scope)
    removed = {"rate_per_minute": any_rate, "rate_burst": any_rate, "max_open": any_open,
               "models": any_model, "addresses": any_address}  # fmt: skip
    restricts = any(each not in (None, []) for each in given) or any(removed.values())
    require(
        restricts or unlimited or (credit_limit, period) != (None, None),
        "give what to change; `reelgate key limit --help` lists it",
    )

    def restrict(before: Restrictions) -> Restrictions:
        without: dict[str, Any] = {name: None for name, gone in removed.items() if gone}
        return _changed(replace(before, **without), *given)

    async def act(rt: Runtime) -> None:
        found = await keys.limit_key(
            rt, key, credit_limit=credit_limit, unlimited=unlimited, credit_period=period,
            restrict=restrict if restricts else None, actor=acting(rt, reason),
        )  # fmt: skip
        allowed = "no limit of its own"
        if found.credit_limit is not None:
            allowed = credits_a(found.credit_period, found.credit_limit)
        typer.echo(f"Key {found.shown} of {found.team_name}/{found.member_name}: {allowed}.")

    with_runtime(act)


@cli.command("rotate")
def key_rotate(
    key: WhichKey,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=_MAX_HOURS, help="How long the old key still works.")
    ] = 24,
    reason: Reason = None,
) -> None:
    """Create a new key for the same member, with the same expiry and limit, and let the old one
    expire."""
    from app.members import keys

    async def act(rt: Runtime) -> None:
        new = await keys.rotate_key(
            rt, key, overlap_seconds=overlap_hours * 3600, actor=acting(rt, reason)
        )
        typer.echo(new.secret)

    with_runtime(act)


Compromised = Annotated[
    bool,
    typer.Option(
        "--compromised",
        help="Others have it: also disable the webhook endpoints that were set up with it, and "
        "replace its member's callback secret.",
    ),
]


@cli.command("revoke")
def key_revoke(key: WhichKey, compromised: Compromised = False, reason: Reason = None) -> None:
    """Revoke a key now."""
    from app.members import keys

    async def act(rt: Runtime) -> None:
        ended = await keys.revoke_key(rt, key, compromised=compromised, actor=acting(rt, reason))
        _report(ended, compromised=compromised)

    with_runtime(act)


@cli.command("revoke-all")
def key_revoke_all(
    team: TeamOption,
    member: MemberOption,
    compromised: Compromised = False,
    reason: Reason = None,
) -> None:
    """Revoke all keys of a member now. It can get others."""
    from app.members import keys

    async def act(rt: Runtime) -> None:
        revoked = await keys.revoke_keys(
            rt, team, member, compromised=compromised, actor=acting(rt, reason)
        )
        for ended in revoked:
            _report(ended, compromised=compromised)
        typer.echo(f"Keys of {team}/{member} revoked: {len(revoked)}.")

    with_runtime(act)


def _report(ended: Revoked, *, compromised: bool) -> None:
    whose = f"{ended.key.team_name}/{ended.key.member_name}"
    typer.echo(f"Key {ended.key.shown} of {whose} is revoked.")
    if compromised:
        typer.echo(f"The callback secret of {whose} is replaced.")
    became = "is disabled" if compromised else "was set up with it and goes on"
    for endpoint in ended.endpoints:
        typer.echo(f"Webhook endpoint {endpoint} {became}.")
