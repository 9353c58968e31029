"""What is in the lake: `status`, `history`, `tag`, `doctor`, `reset`."""

from __future__ import annotations

import json
import shutil
from typing import Annotated, Any

import typer

from lakehouse.cli.output import HEADLINES
from lakehouse.cli.state import moment, state
from lakehouse.errors import LakehouseError


def add(app: typer.Typer) -> None:
    for command in (status, history, tag, doctor, reset):
        app.command()(command)


def status(context: typer.Context) -> None:
    """Show the lake: its clock, tables, models, and what went wrong lately."""
    from lakehouse.records.overview import overview

    here = state(context)
    found = overview(here.home(), here.records())
    if here.output.as_json:
        here.output.document(found)
        return
    here.output.facts(found["lake"], title="Lake")
    here.output.rows(
        found["tables"],
        "\nTables",
        right=("version", "rows_written"),
        empty="none yet; 'lakehouse run DOMAIN' makes them",
    )
    for model in found["models"]:
        model["metrics"] = {k: v for k, v in model["metrics"].items() if k in HEADLINES}
    here.output.rows(found["models"], "\nModels", right=("version",), empty="none yet")
    if found["set_aside"]:
        here.output.rows(found["set_aside"], "\nFiles set aside")
    if found["failed"]:
        here.output.rows(found["failed"], "\nRuns that failed lately")


def history(
    context: typer.Context,
    domain: Annotated[str | None, typer.Argument(help="Only this domain.")] = None,
    target: Annotated[str | None, typer.Option(help="Only this table, view or model.")] = None,
    limit: Annotated[int, typer.Option(help="How many runs, newest first.")] = 20,
) -> None:
    """List runs: what each read and wrote, with versions.

    Example: lakehouse history payments_fraud --target payments
    """
    from lakehouse.records.overview import history as runs

    here = state(context)
    found = runs(here.records(), domain, target, limit)
    if here.output.as_json:
        here.output.document(found)
        return
    here.output.rows(
        [_run(run) for run in found], "Runs, newest first", right=("seconds",), empty="none yet"
    )


def _run(run: dict[str, Any]) -> dict[str, Any]:
    """One run on one line: tables without their domain, which the run names."""

    def short(tables: list[str]) -> str:
        return ", ".join(t.replace(f"/{run['domain']}/", " ") for t in tables)

    shown = {
        "started_at": run["started_at"],
        "domain": run["domain"],
        "run": f"{run['stage']} {run['target']}",
        "seconds": run["seconds"],
        "read": short(run["read"]),
        "wrote": short(run["write"]),
        "code": run["code_version"][:10],
    }
    return shown | ({"failed": run["error"]} if run["error"] else {})


def tag(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The tag to make; none: list them.")] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="Why.")] = "",
    at: Annotated[str | None, typer.Option(help="Tag the lake as of this moment.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Take the tag away.")] = False,
) -> None:
    """Name the present version of every table, so that it stays readable for ever.

    Example: lakehouse tag before-migration -m "last state on the old contract"
    """
    from lakehouse.records import tags

    here = state(context)
    records = here.records()
    if name is None:
        here.output.rows(tags.listed(records), "Tags", empty="none yet")
    elif delete:
        tags.delete(records, name)
        here.output.say(f"Tag '{name}' is gone; 'lakehouse maintain' may now remove its files.")
    else:
        made = tags.make(records, name, message, moment(at))
        here.output.facts({"tag": name, "tables": len(made)})


def doctor(context: typer.Context) -> None:
    """Check this machine and the lake, and say what to do about what is wrong."""
    from lakehouse.sdk.doctor import examine

    here = state(context)
    findings = examine(here.folder)
    here.output.rows(findings, "Checks")
    if any(f["state"] == "wrong" for f in findings):
        raise typer.Exit(1)


def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the whole lake: tables, models, records and landed files."""
    here = state(context)
    home = here.home()
    tables = sorted(home.path.glob("tables/*/*/*"))
    if not yes and not typer.confirm(
        f"Remove the lake in {home.path} with its {len(tables)} tables, for good?"
    ):
        raise typer.Exit(1)
    from lakehouse.records.lock import writing

    with writing(home.path):
        # The marker goes last: an interrupted removal still is a lake that can be removed.
        for item in home.path.iterdir():
            if item.name not in ("lake.json", ".writer.lock"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        (home.path / "lake.json").unlink()
    shutil.rmtree(home.path)
    here.output.say(f"The lake in {home.path} is gone.")


def read_rows(text: str) -> list[dict[str, Any]]:
    """Read a JSON list of objects given on the command line; raises LakehouseError saying how."""
    value = _json(text)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise LakehouseError(f"{text!r} is no list of rows; write '[{{\"column\": value}}]'.")
    return value


def read_json(text: str) -> dict[str, Any]:
    """Read a JSON object given on the command line; raises LakehouseError saying how."""
    value = _json(text)
    if not isinstance(value, dict):
        raise LakehouseError(f"{text!r} is not a JSON object of names and values.")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LakehouseError(
            f'{text!r} is not JSON ({error}); write it as \'{{"card_id": "123"}}\'.'
        ) from None
