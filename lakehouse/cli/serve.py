"""`lakehouse serve`: answer for features and predictions over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.state import state


def add(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            envvar="LAKEHOUSE_HOST", help="Address to bind; loopback unless told otherwise."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="LAKEHOUSE_PORT", help="Port; 0 takes a free one.")
    ] = 8000,
    log_features: Annotated[
        float,
        typer.Option(
            envvar="LAKEHOUSE_LOG_FEATURES",
            help="The share of entities asked for whose features are logged, 0 to 1.",
        ),
    ] = 1.0,
) -> None:
    """Serve the lake's champions and features over HTTP.

    Routes need a key; 'lakehouse keys make application' prints one.
    """
    from lakehouse import plugins

    with state(context).session() as session:
        home = session.home()
    server = plugins.load("lakehouse.servers", "server", "http", "Run 'uv sync'.")
    server(home=home.path, host=host, port=port, log_features=log_features)
