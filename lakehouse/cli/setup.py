"""`lakehouse setup`: fetch once what an engine needs beside the Python packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.state import state

group = typer.Typer(no_args_is_help=True, help="Fetch once what an engine needs.")


def add(app: typer.Typer) -> None:
    app.add_typer(group, name="setup")


@group.command()
def spark(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A folder that holds the jars, where there is no network."),
    ] = None,
    properties: Annotated[
        bool,
        typer.Option("--properties", help="Print the file of properties for spark-submit."),
    ] = False,
) -> None:
    """Fetch the jars of Delta Lake for Spark, hold them against their checksums, and keep them.

    Afterwards the Spark engine needs no network. They lie in LAKEHOUSE_SPARK_JARS, by default in
    the cache folder of your user; a properties file for spark-submit lies beside them.

    Example: spark-submit --properties-file "$(lakehouse setup spark --properties)" jobs/ingest.py
    """
    from lakehouse.engines.spark.setup import set_up_spark

    made = set_up_spark(source)
    output = state(context).output
    if output.as_json:
        output.document({"fetched": made.fetched, "jars": made.jars, "properties": made.properties})
    elif properties:
        typer.echo(made.properties)
    else:
        output.say(f"{'Fetched' if made.fetched else 'Already there'}: {', '.join(made.jars)}")
        output.say(f"Properties for spark-submit: {made.properties}")
