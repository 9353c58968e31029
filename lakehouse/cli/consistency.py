"""`lakehouse consistency`: hold what was served against the lake's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lakehouse.cli.output import PARTLY, Output
from lakehouse.cli.run import progress_of
from lakehouse.cli.state import moment, state

if TYPE_CHECKING:
    from lakehouse.monitoring.consistency.check import Consistency


def add(app: typer.Typer) -> None:
    app.command()(consistency)


def consistency(
    context: typer.Context,
    domain: str,
    served_from: Annotated[
        str | None, typer.Option("--from", help="Only what was answered from this moment on.")
    ] = None,
    served_until: Annotated[
        str | None, typer.Option("--until", help="Only what was answered before this moment.")
    ] = None,
    allow_stale: Annotated[
        bool,
        typer.Option(help="Exit with 0 where lateness of the online store explains all."),
    ] = False,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer.")] = 0.0,
) -> None:
    """Compute what the service answered anew from the tables, and compare every value.

    Appends to the curated table feature_consistency. Exit code 3 says that a value differs or
    that an answer could not be compared.

    Example: lakehouse consistency payments_fraud --from 2018-09-01
    """
    from lakehouse.monitoring.consistency.check import consistency as measure
    from lakehouse.records.lock import writing

    begin, end = moment(served_from), moment(served_until)
    here = state(context)
    ctx = here.context(domain, engine)
    with writing(ctx.home.path, wait), progress_of(here.output) as progress:
        progress("consistency", ctx.domain.name)
        found = measure(ctx, begin, end)
    show(here.output, found, ctx.domain.name)
    if not found.holds(allow_stale):
        raise typer.Exit(PARTLY)


def show(output: Output, found: Consistency, domain: str) -> None:
    """Print the counts of each feature, an example of each that differs, and the notes."""
    if output.as_json:
        output.document(found.document())
        return
    counts = found.counts
    output.rows(
        [
            {"feature": t.feature, **t.counts, "worst_difference": _difference(t.worst)}
            for t in found.tallies
        ],
        f"Served values of {domain}, and history's",
        right=(*counts, "worst_difference"),
        empty="nothing was served",
    )
    for tally in found.tallies:
        for example in tally.examples[:1]:
            output.say(f"[yellow]{tally.feature}[/yellow]: {escape(_said(example))}")
    for note in found.notes:
        output.say(escape(note))
    if found.unread:
        output.say(f"{found.unread:,} answers were not compared, or not wholly.")
    different = counts["compared"] - counts["equal"]
    output.say(
        f"{counts['compared']:,} values of {len(found.tallies)} features: {different:,} differ"
        + (f", {counts['stale']:,} of them by lateness of the online store." if different else ".")
    )


def _difference(worst: float | None) -> str:
    return "" if worst is None else f"{worst:.2g}"


def _said(example: dict[str, Any]) -> str:
    entity = ", ".join(f"{key} {value}" for key, value in example["entity"].items())
    return (
        f"{example['why']}: {example['served']} was served and history says {example['history']} "
        f"({entity} at {example['asked_for']}, answer {example['id']})"
    )
