"""Commands for API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import ACTOR, MemberOption, TeamOption, day, group, show, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("API keys.")


@cli.command("create")
def key_create(
    team: TeamOption,
    member: MemberOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "unnamed",
    days: Annotated[float | None, typer.Option(help="Days until it expires.")] = None,
) -> None:
    """Make a key and show it, once."""
    from app.members import keys

    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def act(rt: Runtime) -> None:
        key = await keys.create_key(rt, team, member, name=name, expires_at=expires_at, actor=ACTOR)
        typer.echo(key.secret)

    with_runtime(act)


@cli.command("list")
def key_list() -> None:
    """Show keys by their first characters."""
    from app.db import members as rows

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_keys(tx)
        show(
            ["key", "team", "member", "name", "created", "expires", "revoked"],
            [
                [k.prefix + "…", k.team_name, k.member_name, k.name, day(k.created_at),
                 day(k.expires_at), day(k.revoked_at)]
                for k in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("rotate")
def key_rotate(
    prefix: Annotated[str, typer.Argument(help="The key's first characters, from `key list`.")],
    overlap_hours: Annotated[float, typer.Option(help="How long the old key still works.")] = 24,
) -> None:
    """Make a new key for the same member and let the old one run out."""
    from app.members import keys

    async def act(rt: Runtime) -> None:
        key = await keys.rotate_key(rt, prefix, overlap_seconds=overlap_hours * 3600, actor=ACTOR)
        typer.echo(key.secret)

    with_runtime(act)


@cli.command("revoke")
def key_revoke(
    prefix: Annotated[str, typer.Argument(help="The key's first characters, from `key list`.")],
) -> None:
    """End a key now."""
    from app.members import keys

    async def act(rt: Runtime) -> None:
        await keys.revoke_key(rt, prefix, actor=ACTOR)
        typer.echo(f"Key {prefix}… is revoked.")

    with_runtime(act)
