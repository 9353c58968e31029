"""Contracts against what is delivered: `contract diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.quarantine import chosen
from lakehouse.cli.state import state

group = typer.Typer(no_args_is_help=True, help="Contracts, held against what is delivered.")


@group.command()
def diff(
    context: typer.Context,
    domain: str,
    table: Annotated[str | None, typer.Argument(help="Only this cleaned table.")] = None,
) -> None:
    """Show new, missing and widened columns of the deliveries."""
    from lakehouse.zones.contract_diff import diff as contract_diff

    here = state(context)
    ctx = here.context(domain)
    rows = [
        {"table": cleaned.name, **vars(difference)}
        for cleaned in chosen(ctx.domain, table)
        for difference in contract_diff(ctx, cleaned)
    ]
    here.output.rows(rows, "Contract and deliveries", empty="deliveries have the contract's shape")


@group.command()
def balance(context: typer.Context, domain: str) -> None:
    """Show where every delivered row went: cleaned, quarantined, superseded, dropped, duplicate."""
    from lakehouse.zones.balance import balance as count

    here = state(context)
    ctx = here.context(domain)
    rows = []
    for cleaned in ctx.domain.cleaned:
        found = count(ctx, cleaned)
        rows.append({"table": cleaned.name, **vars(found), "holds": found.holds})
    numbers = ("delivered", "cleaned", "quarantined", "superseded", "dropped", "duplicates")
    here.output.rows(rows, "Where every delivered row went", right=numbers)
    if not all(row["holds"] for row in rows):
        raise typer.Exit(1)
