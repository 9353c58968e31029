"""`contract balance`: where every delivered row went."""

from __future__ import annotations

from lakehouse.verbs.core.answer import DONE, FAILED, Answer, rows
from lakehouse.verbs.core.common import DomainName
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb

COUNTS = ("delivered", "cleaned", "quarantined", "superseded", "dropped", "duplicates")


@verb("contract balance")
def contract_balance(session: Session, domain: DomainName) -> Answer:
    """Show where every delivered row went: cleaned, quarantined, superseded, dropped, duplicate."""
    from lakehouse.zones.balance import balance

    ctx = session.context(domain)
    counted = []
    for cleaned in ctx.domain.cleaned:
        one = balance(ctx, cleaned)
        counted.append({"table": cleaned.name, **vars(one), "holds": one.holds})
    code = DONE if all(row["holds"] for row in counted) else FAILED
    return rows(counted, "Where every delivered row went", right=COUNTS, code=code)
