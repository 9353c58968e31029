"""`lakehouse demo`: one domain once around the circle, with a real request at the end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import Output
from lakehouse.cli.state import State, state
from lakehouse.errors import LakehouseError
from lakehouse.verbs.core import steps as stepwise
from lakehouse.verbs.core.answer import LOOK
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.written import object_of

if TYPE_CHECKING:
    from lakehouse.client import Client
    from lakehouse.context import Context
    from lakehouse.declare import Domain
    from lakehouse.declare.training import Model

ROLES = ("application", "scientist", "operator")
START_SECONDS = 30.0


def add(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="Which domain to show.")] = "payments_fraud",
    options: Annotated[
        str, typer.Option(help="Arguments of its delivery as JSON, as '{\"days\": 40}'.")
    ] = "{}",
    serve: Annotated[bool, typer.Option(help="Ask the service at the end.")] = True,
) -> None:
    """Show the whole circle on a domain's demonstration data.

    Deliveries land raw, are cleaned, curated, turned into features, trained on and released; a
    real HTTP request then gets a decision, whose log is taken in again. A second call does only
    what is new. A model made by uncommitted code serves here, and only here: its version says so.
    """
    from lakehouse.declare.compiled import FunctionReference
    from lakehouse.records.lock import writing
    from lakehouse.sdk.stages import Step, run

    here = state(context)
    arguments = object_of(options)
    started = time.perf_counter()
    ctx = Session(here.folder).context(domain, create="data")
    if ctx.domain.deliver is None:
        raise LakehouseError(f"Domain '{domain}' has no demonstration data (Domain(deliver=…)).")
    module, _, name = ctx.domain.deliver.partition(":")
    landing = ctx.home.landing(ctx.domain.name)
    landing.mkdir(parents=True, exist_ok=True)
    with writing(ctx.home.path), here.output.progress() as progress:
        progress("delivery", "demonstration data")
        begun = time.perf_counter()
        delivered = FunctionReference(module, name, "").load()(landing, **arguments)
        seconds = time.perf_counter() - begun
        steps = [
            Step("delivery", folder, 0.0 if place else seconds, bool(delivered.written), rows)
            for place, (folder, rows) in enumerate(delivered.rows.items())
        ]
        steps += run(ctx, progress=progress, promote_uncommitted=True)
    here.output.answer(stepwise.answer(steps, f"{ctx.domain.name} in {here.folder}"))
    if serve:
        _serve(here, ctx)
    here.output.say(f"\n{time.perf_counter() - started:.0f} s in all.")
    if any(step.problems for step in steps):
        raise typer.Exit(LOOK)


def _serve(here: State, ctx: Context) -> None:
    from lakehouse.client import Client
    from lakehouse.records.lock import writing
    from lakehouse.registry.promotion import champion
    from lakehouse.sdk.stages import run

    output = here.output
    model = next((m for m in ctx.domain.models if champion(ctx, m) is not None), None)
    if model is None:
        output.say("No model passed its gate, so there is nothing to serve.")
        return
    _tell_uncommitted(ctx, model, output)
    keys = _keys(ctx, output)
    request = _last_request(ctx, model)
    with server(here.folder) as url, Client(url, keys["application"]) as client:
        answer = _ask(client, ctx.domain, model, request)
    output.rows([answer], "\nA request over HTTP", empty="no answer")
    with writing(ctx.home.path), output.progress() as progress:
        back = run(ctx, ("raw", "cleaned"), progress=progress)
    changed = [step for step in back if step.changed]
    output.answer(stepwise.answer(changed, "\nAnd back: its decision is data again"))
    output.say(
        f"\nGo on:\n  lakehouse serve\n"
        f"  curl -s localhost:8000/v1/predict/{ctx.domain.name}/{model.name} \\\n"
        f"    -H 'Authorization: Bearer {keys['application']}' \\\n"
        f"    -d '{json.dumps(request, default=str)}'\n"
        f"  lakehouse status · lakehouse history · lakehouse features explain --help"
    )


def _tell_uncommitted(ctx: Context, model: Model, output: Output) -> None:
    """Say that the champion serves in this demonstration alone, where that is so."""
    from lakehouse.registry import uncommitted
    from lakehouse.registry.promotion import champion, versions

    serving = champion(ctx, model)
    (made,) = (row for row in versions(ctx, model) if row["version"] == serving)
    if made["uncommitted"]:
        output.say(
            f"\n[yellow]{model.name} version {serving} was made by code that is not committed"
            f"[/yellow] ({uncommitted.files(made['uncommitted'])}). It serves in this "
            f"demonstration; 'lakehouse train {ctx.domain.name}' would not promote it: commit, and "
            "train again."
        )


def _keys(ctx: Context, output: Output) -> dict[str, str]:
    """One fresh key for each role; those of earlier demonstrations stop working."""
    from lakehouse.records.keys import make_key, revoke_keys_labelled

    revoke_keys_labelled(ctx.records, "demo")
    keys = {role: make_key(ctx.records, role, "demo") for role in ROLES}
    output.rows(
        ({"role": role, "key": key} for role, key in keys.items()),
        "\nKeys of this lake (only their hashes are kept)",
    )
    return keys


def _last_request(ctx: Context, model: Model) -> dict[str, Any]:
    """The newest labelled row as the request that an application would have sent."""
    training_set = model.learns_from
    at = training_set.table.event_time
    columns = ", ".join(c.name for c in training_set.request.columns)
    frame = ctx.engine.query(
        f"SELECT {columns} FROM labelled ORDER BY {at} DESC LIMIT 1",
        {"labelled": ctx.read(training_set.table)},
    )
    row = ctx.engine.to_arrow(frame).to_pylist()[0]
    return {
        name: value.isoformat().replace("+00:00", "Z")
        if hasattr(value, "isoformat")
        else str(value)
        if isinstance(value, Decimal)
        else value
        for name, value in row.items()
    }


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The service as a process on a free loopback port, stopped at the end; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lakehouse.cli",
            "--home",
            str(folder),
            "serve",
            "--port",
            str(port),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            said = process.communicate()[1].decode()
            raise LakehouseError(f"The service ended at its start:\n{said[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise LakehouseError(f"The service did not answer within {START_SECONDS:.0f} s.")


def _ask(client: Client, domain: Domain, model: Model, request: dict[str, Any]) -> dict[str, Any]:
    client.predict(domain.name, model.name, request)  # the first request warms the service up
    begun = time.perf_counter()
    answer = client.predict(domain.name, model.name, request)
    return {
        "decision": answer.decision,
        "score": answer.score,
        "model": f"{model.name} version {answer.version}",
        "milliseconds": f"{(time.perf_counter() - begun) * 1000:.1f}",
    }
