"""`quarantine list`: which rows broke their contract."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.chosen import cleaned_tables
from lakehouse.verbs.core.common import CleanedName, DomainName
from lakehouse.verbs.core.parameters import Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("quarantine list")
def quarantine_list(
    session: Session,
    domain: DomainName,
    table: CleanedName = None,
    limit: Annotated[int, Option("Examples of each check.")] = 5,
) -> Answer:
    """Count quarantined rows by column and check, with examples; personal columns are masked."""
    from lakehouse.zones.quarantine import listed

    ctx = session.context(domain)
    broken = [
        {"table": cleaned.name, **row}
        for cleaned in cleaned_tables(ctx.domain, table)
        for row in listed(ctx, cleaned, limit)
    ]
    return rows(broken, "Quarantine", right=("rows",), empty="empty: every row kept its contract")
