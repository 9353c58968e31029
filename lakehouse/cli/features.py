"""Features: `features list`, `features get`, `features explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.lake import read_json, read_rows
from lakehouse.cli.state import moment, state

group = typer.Typer(no_args_is_help=True, help="Feature values, and the rows behind a number.")
Entity = Annotated[str, typer.Argument(help='The entity\'s key as JSON: \'{"card_id": "17"}\'.')]
At = Annotated[str | None, typer.Option(help="The moment; default: the lake's clock.")]


@group.command("list")
def list_(
    context: typer.Context,
    domain: str,
) -> None:
    """List the views of a domain: what each is of, who answers for it, how fresh it should be.

    Example: lakehouse features list payments_fraud
    """
    from lakehouse.declare.features import RequestView
    from lakehouse.sdk.composition import load_domain

    declared = load_domain(domain)
    rows = []
    for view in declared.views:
        stored = None if isinstance(view, RequestView) else view
        rows.append(
            {
                "view": view.name,
                "of": None if stored is None else stored.of.name,
                "by": None if stored is None else ", ".join(stored.by.keys),
                "features": [f.name for f in view.features],
                "owner": declared.owner_of(view),
                "fresh_within": None if view.fresh_within is None else str(view.fresh_within),
                "description": view.description,
            }
        )
    shown = ("view", "of", "by", "owner", "fresh_within", "description")
    state(context).output.rows(rows, f"Views of {domain}", shown, empty="none is declared")


@group.command()
def get(
    context: typer.Context,
    domain: str,
    view: Annotated[str, typer.Argument(help="A feature view of the domain.")],
    entity: Entity,
    at: At = None,
    online: Annotated[bool, typer.Option(help="Ask the online store.")] = False,
) -> None:
    """Show a view's features for one entity at a moment.

    Example: lakehouse features get payments_fraud card_spend '{"card_id": "17"}'
    """
    from lakehouse.sdk.lake import Lake

    here = state(context)
    lake = Lake(here.folder)
    key = read_json(entity)
    values = (
        lake.online_features(domain, view, key, at=moment(at))
        if online
        else lake.features_of(domain, view, key, at=moment(at))
    )
    here.output.facts(values)


@group.command()
def materialise(
    context: typer.Context,
    domain: str,
    view: Annotated[str | None, typer.Argument(help="One view; default: all.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Pack the views anew.")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="Read again what has rows from this time on.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="… and up to, without, this time.")] = None,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer.")] = 0.0,
) -> None:
    """Bring the online store up to date with the tables of a domain's views.

    Example: lakehouse features materialise payments_fraud card_spend --full
    """
    from lakehouse.records.lock import writing
    from lakehouse.sdk import online

    here = state(context)
    ctx = here.context(domain, engine)
    with writing(ctx.home.path, wait):
        done = online.materialise(ctx, view, full, moment(from_), moment(until))
    here.output.rows(
        [{"view": name, **vars(found)} for name, found in done.items()],
        f"Online store of {ctx.domain.name}",
        right=("rows", "entities", "version", "taken"),
        empty="no view is declared",
    )


@group.command()
def push(
    context: typer.Context,
    domain: str,
    table: Annotated[str, typer.Argument(help="The table whose rows they are.")],
    rows: Annotated[str, typer.Argument(help="The rows as JSON: '[{\"payment_id\": …}]'.")],
) -> None:
    """Push rows into the online store, ahead of their table.

    Example: lakehouse features push payments_fraud payments '[{"payment_id": "P1", …}]'
    """
    from lakehouse.sdk import online

    here = state(context)
    given = read_rows(rows)
    views = online.push(here.context(domain), table, given)
    here.output.facts({"rows": len(given), "views": views})


@group.command()
def explain(
    context: typer.Context,
    domain: str,
    feature: Annotated[str, typer.Argument(help="view.feature, as card_spend.payments_1d")],
    entity: Entity,
    at: At = None,
    limit: Annotated[int, typer.Option(help="How many rows to show.")] = 20,
) -> None:
    """Show which rows made a number; personal columns that were not asked for are masked."""
    from lakehouse.sdk.lake import Lake
    from lakehouse.zones.violation import MASK

    here = state(context)
    key = read_json(entity)
    lake = Lake(here.folder)
    found = lake.explain(domain, feature, key, at=moment(at))
    name = feature.partition(".")[0]
    (view,) = (v for v in lake.domain(domain).stored_views if v.name == name)
    masked = {c.name for c in view.of.columns if c.personal} - set(key)
    rows = [
        {name: MASK if name in masked else value for name, value in row.items()}
        for row in found.rows.slice(0, limit).to_pylist()
    ]
    if here.output.as_json:
        here.output.document({**vars(found), "rows": rows})
        return
    here.output.facts(
        {
            "feature": feature,
            "value": found.value,
            "from": found.begins_at,
            "until (not included)": found.ends_at,
            "rows": found.rows.num_rows,
            "in the window but not known yet": found.excluded_late,
        }
    )
    here.output.rows(rows, "\nThe rows behind it")
