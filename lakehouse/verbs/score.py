"""`score`: score tables with released models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from lakehouse.verbs.core.answer import Answer, Facts, Line
from lakehouse.verbs.core.common import DomainName, EngineName, Version, Wait
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("score")
def score(
    session: Session,
    domain: DomainName,
    model: Annotated[str | None, Argument("Only this model; default: all of the domain.")] = None,
    table: Annotated[
        str | None, Option("The table to score; default: what the model learns from.")
    ] = None,
    since: Annotated[
        datetime | None, Option("Score only rows from this moment on; earlier scores stay.")
    ] = None,
    version: Version = None,
    engine: EngineName = "embedded",
    wait: Wait = 0.0,
) -> Answer:
    """Score every row of a table, and write scores and decisions to a curated table.

    With nothing new since the last time no commit is made.

    Example: lakehouse score payments_fraud --since 2018-09-01
    """
    from lakehouse.records.lock import writing
    from lakehouse.registry.scoring import score as score_table

    ctx = session.context(domain, engine)
    models = ctx.domain.models if model is None else (ctx.domain.model(model),)
    done = []
    with writing(ctx.home.path, wait):
        for one in models:
            session.progress("scoring", one.name)
            done.append(score_table(ctx, one, table, since, version))
    parts = [Facts(vars(scored), f"Scores of {ctx.domain.name}") for scored in done]
    unchanged = not any(scored.changed for scored in done)
    lines = [Line("Nothing new: no commit was needed.")] if unchanged else []
    document = [vars(scored) for scored in done]
    return Answer(document[0] if len(document) == 1 else document, [*parts, *lines])
