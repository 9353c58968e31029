"""`status`: the lake at a glance."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, Facts, Part, Rows
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("status")
def status(session: Session) -> Answer:
    """Show the lake: its clock, tables, models, and what went wrong lately."""
    from lakehouse.records.models import HEADLINES
    from lakehouse.records.overview import overview

    seen = overview(session.home(), session.records())
    models = [
        {**m, "metrics": {k: v for k, v in m["metrics"].items() if k in HEADLINES}}
        for m in seen["models"]
    ]
    parts: list[Part] = [
        Facts(seen["lake"], "Lake"),
        Rows(
            seen["tables"],
            "\nTables",
            right=("version", "rows_written"),
            empty="none yet; 'lakehouse run DOMAIN' makes them",
        ),
        Rows(models, "\nModels", right=("version",), empty="none yet"),
    ]
    if seen["set_aside"]:
        parts.append(Rows(seen["set_aside"], "\nFiles set aside"))
    if seen["failed"]:
        parts.append(Rows(seen["failed"], "\nRuns that failed lately"))
    return Answer(seen, parts)
