"""`lakehouse evaluate`: run a published protocol and print the published figures beside ours."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lakehouse.cli.run import progress_of
from lakehouse.cli.state import state
from lakehouse.errors import NotFound, unknown

PUBLISHED = " published"


def add(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    context: typer.Context,
    domain: str,
    name: Annotated[str | None, typer.Argument(help="The evaluation; default: all.")] = None,
) -> None:
    """Fit and test a domain's evaluations, with the published figures beside.

    Example: lakehouse evaluate payments_fraud handbook
    """
    from lakehouse.training.evaluation import evaluate as run

    here = state(context)
    ctx = here.context(domain)
    known = {e.name: e for e in ctx.domain.evaluations}
    if name is not None and name not in known:
        raise NotFound(unknown("evaluation", name, known, f"Domain '{domain}'"))
    answers: list[dict[str, Any]] = []
    for evaluation in known.values():
        if name in (None, evaluation.name):
            with progress_of(here.output) as progress:
                done = run(ctx, evaluation, progress)
            answers.append(done)
            if not here.output.as_json:
                here.output.facts(done["facts"], title=f"Evaluation '{evaluation.name}'")
                here.output.rows(
                    [_beside(row) for row in done["estimators"]],
                    "\nMeasured, and published in brackets",
                )
    if here.output.as_json:
        here.output.document(answers)


def _beside(row: dict[str, Any]) -> dict[str, Any]:
    """One estimator's figures with the published ones in brackets."""
    shown = {"estimator": row["estimator"]}
    for name, value in row.items():
        if isinstance(value, float) and not name.endswith(PUBLISHED):
            other = row.get(f"{name}{PUBLISHED}")
            shown[name] = f"{value:.3f} ({other:.3f})" if other is not None else f"{value:.3f}"
    return shown
