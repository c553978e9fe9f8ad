"""Commands for people who have signed in by OpenID Connect and wait for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import Reason, TeamOption, acting, day, group, require, show, with_runtime
from app.domain.caller import Role

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("People who have signed in by OpenID Connect and wait for an operator.")

Id = Annotated[UUID, typer.Argument(metavar="REQUEST", help="Its id, as `sign-in list` shows it.")]


@cli.command("list")
def sign_in_list(
    refused: Annotated[bool, typer.Option("--refused", help="Those that were refused.")] = False,
) -> None:
    """List people who wait, oldest first. Their names and addresses are what the issuer says."""
    from app.members import sign_in_requests

    async def act(rt: Runtime) -> None:
        found = await sign_in_requests.list_requests(
            rt, actor=acting(rt, None), refused=refused, limit=None
        )
        verified = {True: "yes", False: "no", None: ""}
        show(
            ["request", "name", "email", "verified", "issuer", "subject", "made", "seen",
             "refused by", "why"],
            [
                [r.id, r.name, r.email, verified[r.email_verified], r.issuer, r.subject,
                 day(r.created_at), day(r.seen_at), r.refused_by, r.refusal]
                for r in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("accept")
def sign_in_accept(
    request_id: Id,
    team: TeamOption,
    member: Annotated[
        str | None, typer.Option(help="An existing member. Default: a new one is made.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of a new member. Default: as the issuer says.")
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(case_sensitive=False, help="Of a new member. Default: member."),
    ] = None,
    reason: Reason = None,
) -> None:
    """Let a person sign in, as a new member of a team or as an existing one."""
    from app.members import sign_in_requests

    require(
        member is None or (name is None and role is None),
        "--name and --role are of a new member: leave them out, or --member",
    )

    async def act(rt: Runtime) -> None:
        found = await sign_in_requests.accept(
            rt, request_id, team=team, member=member, name=name, role=role or Role.MEMBER,
            actor=acting(rt, reason),
        )  # fmt: skip
        typer.echo(f"The person signs in as {found.team_name}/{found.name} from now on.")

    with_runtime(act)


@cli.command("refuse")
def sign_in_refuse(
    request_id: Id,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")],
) -> None:
    """Refuse a person, who is told so at the next sign-in, without the reason."""
    from app.members import sign_in_requests

    async def act(rt: Runtime) -> None:
        refused = await sign_in_requests.refuse(rt, request_id, actor=acting(rt, reason))
        typer.echo(f"Refused {refused.id}.")

    with_runtime(act)
