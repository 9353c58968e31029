"""`quarantine replay`: check quarantined rows again."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.chosen import cleaned_tables
from lakehouse.verbs.core.common import CleanedName, DomainName, EngineName, Wait
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("quarantine replay")
def quarantine_replay(
    session: Session,
    domain: DomainName,
    table: CleanedName = None,
    engine: EngineName = "embedded",
    wait: Wait = 0.0,
) -> Answer:
    """Check quarantined rows again by the present contract; those that pass are cleaned."""
    from lakehouse.records.lock import writing
    from lakehouse.zones.quarantine import replay

    ctx = session.context(domain, engine)
    replayed = []
    with writing(ctx.home.path, wait):
        for cleaned in cleaned_tables(ctx.domain, table):
            session.progress("replay", cleaned.name)
            done = replay(ctx, cleaned)
            replayed.append(
                {
                    "table": cleaned.name,
                    "cleaned": done.rows,
                    "still quarantined": done.quarantined,
                }
            )
    return rows(replayed, "Replayed", right=("cleaned", "still quarantined"))
