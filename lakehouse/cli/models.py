"""Models: `train`, `score`, `models list|promote|rollback`, `reproduce`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import PARTLY
from lakehouse.cli.run import progress_of, show
from lakehouse.cli.state import moment, state
from lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from lakehouse.declare import Domain
    from lakehouse.declare import training as declared

group = typer.Typer(no_args_is_help=True, help="Model versions: list, promote, roll back.")
Model = Annotated[str | None, typer.Argument(help="The model; may be left out if there is one.")]


def add(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(score)
    app.command()(reproduce)
    app.add_typer(group, name="models")


def train(
    context: typer.Context,
    domain: str,
    as_of: Annotated[str | None, typer.Option(help="The moment; default: the clock.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
) -> None:
    """Train a domain's models, register them, and let the gate decide.

    The same as 'lakehouse run DOMAIN training'.
    """
    from lakehouse.records.lock import writing
    from lakehouse.sdk.stages import run

    at = moment(as_of)
    here = state(context)
    ctx = here.context(domain, engine)
    with writing(ctx.home.path), progress_of(here.output) as progress:
        steps = run(ctx, ("training",), as_of=at, seed=seed, progress=progress)
    show(here.output, steps, f"Training of {ctx.domain.name}")
    if any(step.problems for step in steps):
        raise typer.Exit(PARTLY)


def score(
    context: typer.Context,
    domain: str,
    model: Model = None,
    table: Annotated[
        str | None, typer.Option(help="The table to score; default: what the model learns from.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Score only rows from this moment on; earlier scores stay.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="Default: the champion.")] = None,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer.")] = 0.0,
) -> None:
    """Score every row of a table, and write scores and decisions to a curated table.

    With nothing new since the last time no commit is made.

    Example: lakehouse score payments_fraud --since 2018-09-01
    """
    from lakehouse.records.lock import writing
    from lakehouse.registry.scoring import score as score_table

    begin = moment(since)
    here = state(context)
    ctx = here.context(domain, engine)
    with writing(ctx.home.path, wait), progress_of(here.output) as progress:
        progress("scoring", ctx.domain.name)
        done = score_table(ctx, chosen(ctx.domain, model), table, begin, version)
    here.output.facts(vars(done), title=f"Scores of {ctx.domain.name}")
    if not done.changed:
        here.output.say("Nothing new: no commit was needed.")


def reproduce(
    context: typer.Context,
    domain: str,
    model: Model = None,
    version: Annotated[int | None, typer.Option(help="Default: the champion.")] = None,
    engine: Annotated[str, typer.Option(help="Which engine works.")] = "embedded",
) -> None:
    """Rebuild a version's training set and metrics from its pins, and compare."""
    from lakehouse.registry.reproduce import reproduce as rebuild

    here = state(context)
    ctx = here.context(domain, engine)
    done = rebuild(ctx, chosen(ctx.domain, model), version)
    here.output.facts(vars(done) | {"same": done.same}, title="Reproduction")
    if not done.same:
        raise typer.Exit(1)


@group.command("list")
def listed(context: typer.Context, domain: str) -> None:
    """List a domain's model versions with status and metrics."""
    from lakehouse.registry.promotion import versions

    here = state(context)
    ctx = here.context(domain)
    rows = [row for model in ctx.domain.models for row in versions(ctx, model)]
    here.output.rows(rows, "Model versions", right=("version",), empty="none yet")


@group.command()
def promote(
    context: typer.Context,
    domain: str,
    version: Annotated[int, typer.Argument(help="The version that is to serve.")],
    model: Model = None,
) -> None:
    """Make a version champion if its gate lets it; the service follows at once."""
    from lakehouse.records.lock import writing
    from lakehouse.registry.promotion import promote as promote_version

    here = state(context)
    ctx = here.context(domain)
    with writing(ctx.home.path):
        promote_version(ctx, chosen(ctx.domain, model), version)
    here.output.say(f"Version {version} serves.")


@group.command()
def rollback(context: typer.Context, domain: str, model: Model = None) -> None:
    """Let the champion before this one serve again."""
    from lakehouse.records.lock import writing
    from lakehouse.registry.promotion import rollback as roll_back

    here = state(context)
    ctx = here.context(domain)
    with writing(ctx.home.path):
        version = roll_back(ctx, chosen(ctx.domain, model))
    here.output.say(f"Version {version} serves again.")


def chosen(domain: Domain, name: str | None) -> declared.Model:
    """The model of that name, or the only one; raises LakehouseError naming those there are."""
    if name is None:
        if len(domain.models) != 1:
            names = ", ".join(m.name for m in domain.models) or "none"
            raise LakehouseError(
                f"Domain '{domain.name}' has {len(domain.models)} models ({names}); name one."
            )
        return domain.models[0]
    return domain.model(name)
