"""Commands for the catalogue of models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.terminal import checked_settings, group, show

if TYPE_CHECKING:
    from app.domain.catalog.comparison import Difference
    from app.operators.model_lists import Comparison

cli = group("The catalogue of models.")

#: Exit codes beside 0; other commands have no 3.
_DIFFERS, _UNREAD = 1, 3


@cli.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare the catalogue with the upstream's public list of models, without a key: what is new,
    gone, renamed or retiring. Exits with 0 if the catalogue says the same, with 1 if not, and with
    3 if the list cannot be read."""
    from app import processes
    from app.operators import model_lists
    from app.upstream.model_list import ListUnread

    found: Comparison | None = None
    with checked_settings() as settings:

        async def look() -> None:
            nonlocal found
            found = await model_lists.check(settings)

        try:
            processes.run_until_stopped(look)
        except ListUnread as unread:
            typer.echo(f"reelgate: {unread}", err=True)
            raise typer.Exit(_UNREAD) from None
    assert found is not None
    if as_json:
        typer.echo(json.dumps(_json(found), indent=2))
    else:
        _print(found)
    if not found.same:
        raise typer.Exit(_DIFFERS)


def _print(found: Comparison) -> None:
    if found.differences:
        show(
            ["change", "feature", "provider", "models", "listed as", "name", "retires", "known"],
            [_line(each) for each in found.differences],
        )
    else:
        typer.echo("The catalogue has what the upstream lists.")
    if found.unread:
        typer.echo(f"{found.unread} more entries of the list cannot be read.")


def _line(each: Difference) -> list[object]:
    listed = each.listed
    return [
        each.change, each.feature, each.provider, ", ".join(each.models),
        listed and listed.id, listed and listed.name, listed and listed.retires_on,
        "yes" if each.known else "no",
    ]  # fmt: skip


def _json(found: Comparison) -> dict[str, Any]:
    return {
        "same": found.same,
        "unread_entries": found.unread,
        "differences": [_difference(each) for each in found.differences],
    }


def _difference(each: Difference) -> dict[str, Any]:
    listed = each.listed
    return {
        "change": each.change,
        "feature": each.feature,
        "provider": each.provider,
        "models": list(each.models),
        "listed_as": listed and listed.id,
        "name": listed and listed.name,
        "retires_on": listed and listed.retires_on and listed.retires_on.isoformat(),
        "known": each.known,
    }
