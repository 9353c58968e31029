"""`contract diff`: where deliveries have another shape than their contract."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.chosen import cleaned_tables
from lakehouse.verbs.core.common import CleanedName, DomainName
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("contract diff")
def contract_diff(session: Session, domain: DomainName, table: CleanedName = None) -> Answer:
    """Show new, missing and widened columns of the deliveries."""
    from lakehouse.zones.contract_diff import diff

    ctx = session.context(domain)
    differences = [
        {"table": cleaned.name, **vars(difference)}
        for cleaned in cleaned_tables(ctx.domain, table)
        for difference in diff(ctx, cleaned)
    ]
    return rows(
        differences, "Contract and deliveries", empty="deliveries have the contract's shape"
    )
