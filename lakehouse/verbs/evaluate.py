"""`evaluate`: run a published protocol, with the published figures beside ours."""

from __future__ import annotations

from typing import Annotated, Any

from lakehouse.errors import NotFound, unknown
from lakehouse.verbs.core.answer import Answer, Facts, Part, Rows
from lakehouse.verbs.core.common import DomainName, EngineName
from lakehouse.verbs.core.parameters import Argument
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb

PUBLISHED = " published"


@verb("evaluate")
def evaluate(
    session: Session,
    domain: DomainName,
    name: Annotated[str | None, Argument("The evaluation; default: all.")] = None,
    engine: EngineName = "embedded",
) -> Answer:
    """Fit and test a domain's evaluations, with the published figures beside.

    Example: lakehouse evaluate payments_fraud handbook
    """
    from lakehouse.training.evaluation import evaluate as run

    ctx = session.context(domain, engine)
    known = {e.name: e for e in ctx.domain.evaluations}
    if name is not None and name not in known:
        raise NotFound(unknown("evaluation", name, known, f"Domain '{domain}'"))
    document, parts = [], list[Part]()
    for evaluation in known.values():
        if name in (None, evaluation.name):
            done = run(ctx, evaluation, session.progress)
            document.append(done)
            rows = [_beside(row) for row in done["estimators"]]
            parts.append(Facts(done["facts"], f"Evaluation '{evaluation.name}'"))
            parts.append(Rows(rows, "\nMeasured, and published in brackets"))
    return Answer(document, parts)


def _beside(row: dict[str, Any]) -> dict[str, Any]:
    """One estimator's figures with the published ones in brackets."""
    shown = {"estimator": row["estimator"]}
    for name, value in row.items():
        if isinstance(value, float) and not name.endswith(PUBLISHED):
            other = row.get(f"{name}{PUBLISHED}")
            shown[name] = f"{value:.3f} ({other:.3f})" if other is not None else f"{value:.3f}"
    return shown
