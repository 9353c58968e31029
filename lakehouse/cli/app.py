"""The commands, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli import demo, serve, setup
from lakehouse.cli.commands import add_verbs
from lakehouse.cli.state import State

app = typer.Typer(
    name="lakehouse",
    help="A data platform with a feature store. Deliveries land raw, are cleaned against "
    "contracts, curated, turned into point-in-time-correct features, trained on, released, "
    "served, and fed back.\n\nStart with [bold]lakehouse demo[/bold], then [bold]lakehouse "
    "status[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="LAKEHOUSE_HOME", help="The lake's folder.", show_default="~/.lakehouse"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, for machines.")
    ] = False,
) -> None:
    """Options that every command takes, given before its name."""
    context.obj = State.of(home, as_json)


# What is of the command line alone, then what jobs are made from too.
for module in (demo, serve, setup):
    module.add(app)
add_verbs(app)
