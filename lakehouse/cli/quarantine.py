"""Rows that broke their contract: `quarantine list`, `quarantine replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.state import state
from lakehouse.errors import NotFound, unknown

if TYPE_CHECKING:
    from lakehouse.declare import Cleaned, Domain

group = typer.Typer(no_args_is_help=True, help="Rows that broke their contract, and their return.")
Table = Annotated[str | None, typer.Argument(help="Only this cleaned table.")]


@group.command("list")
def listed(
    context: typer.Context,
    domain: str,
    table: Table = None,
    limit: Annotated[int, typer.Option(help="Examples of each check.")] = 5,
) -> None:
    """Count quarantined rows by column and check, with examples; personal columns are masked."""
    from lakehouse.zones.quarantine import listed as list_quarantine

    here = state(context)
    ctx = here.context(domain)
    found: list[dict[str, object]] = []
    for cleaned in chosen(ctx.domain, table):
        rows = list_quarantine(ctx, cleaned, limit)
        found.extend({"table": cleaned.name, **row} for row in rows)
    here.output.rows(
        found, "Quarantine", right=("rows",), empty="empty: every row kept its contract"
    )


@group.command()
def replay(context: typer.Context, domain: str, table: Table = None) -> None:
    """Check quarantined rows again by the present contract; those that pass are cleaned."""
    from lakehouse.records.lock import writing
    from lakehouse.zones.quarantine import replay as replay_quarantine

    here = state(context)
    ctx = here.context(domain)
    rows = []
    with writing(ctx.home.path):
        for cleaned in chosen(ctx.domain, table):
            done = replay_quarantine(ctx, cleaned)
            rows.append(
                {
                    "table": cleaned.name,
                    "cleaned": done.rows,
                    "still quarantined": done.quarantined,
                }
            )
    here.output.rows(rows, "Replayed", right=("cleaned", "still quarantined"))


def chosen(domain: Domain, table: str | None) -> tuple[Cleaned, ...]:
    """The domain's cleaned tables, or the one of that name; raises NotFound naming those."""
    by_name = {cleaned.name: cleaned for cleaned in domain.cleaned}
    if table is None:
        return domain.cleaned
    if table not in by_name:
        raise NotFound(unknown("cleaned table", table, by_name, f"Domain '{domain.name}'"))
    return (by_name[table],)
