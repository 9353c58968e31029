"""`lakehouse run`: take a domain's deliveries through its stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import HEADLINES, PARTLY, Output
from lakehouse.cli.state import moment, state

if TYPE_CHECKING:
    from lakehouse.sdk.stages import Progress, Step


def add(app: typer.Typer) -> None:
    app.command()(run)


def run(
    context: typer.Context,
    domain: Annotated[
        str, typer.Argument(help="A domain by name, or the Python file that declares one.")
    ],
    stages: Annotated[
        list[str] | None,
        typer.Argument(help="raw, cleaned, curated, features, training; all when left out."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="The moment to train for, as 2018-09-30; default: the lake's clock."),
    ] = None,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    clock: Annotated[
        str, typer.Option(help="Clock of a lake made by this run: wall, or data for backfills.")
    ] = "wall",
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer.")] = 0.0,
) -> None:
    """Run a domain's stages, in the data's order.

    Every stage is incremental: with nothing new it makes no commit. Exit code 3 says that the
    run went on although a file was set aside or a model refused.

    Example: lakehouse run payments_fraud raw cleaned
    """
    from lakehouse.errors import DeclarationError
    from lakehouse.records.lock import writing
    from lakehouse.sdk.stages import STAGES
    from lakehouse.sdk.stages import run as run_stages

    at = moment(as_of)
    if clock not in ("wall", "data"):
        raise DeclarationError(f"--clock={clock} is neither wall nor data.")
    here = state(context)
    ctx = here.context(domain, engine, create="data" if clock == "data" else "wall")
    ctx.home.landing(ctx.domain.name).mkdir(parents=True, exist_ok=True)
    with writing(ctx.home.path, wait), progress_of(here.output) as progress:
        steps = run_stages(ctx, stages or STAGES, as_of=at, seed=seed, progress=progress)
    show(here.output, steps, f"{ctx.domain.name} in {here.folder}")
    if any(step.problems for step in steps):
        raise typer.Exit(PARTLY)


@contextmanager
def progress_of(output: Output) -> Iterator[Progress]:
    """A spinner that names the stage and target at work; silent under --json."""
    if output.as_json:
        yield lambda stage, target: None
        return
    with output.console.status("starting") as status:
        yield lambda stage, target: status.update(f"{stage}: {target}")


def show(output: Output, steps: Sequence[Step], title: str) -> None:
    """Print what each step did, then what a person should look at."""
    if output.as_json:
        output.document([vars(step) for step in steps])
        return
    output.rows(
        (
            {
                "stage": step.stage,
                "target": step.target,
                "rows": step.rows,
                "version": step.version,
                "seconds": f"{step.seconds:.1f}",
                "": _facts(step) if step.changed else "unchanged",
            }
            for step in steps
        ),
        title=title,
        right=("rows", "version", "seconds"),
    )
    if not any(step.changed for step in steps):
        output.say("Nothing new: no commit was needed.")
    for step in steps:
        for problem in step.problems[:5]:
            output.say(f"[yellow]{step.stage} {step.target}[/yellow]: {problem}")
        if len(step.problems) > 5:
            output.say(f"  … and {len(step.problems) - 5} more")


def _facts(step: Step) -> dict[str, object]:
    """What a table has room for: of a model, whether it serves and how well it ranks."""
    if step.stage != "training":
        return step.facts
    return {k: v for k, v in step.facts.items() if k == "champion" or k in HEADLINES}
