"""`features push`: rows into the online store, ahead of their table."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, facts
from lakehouse.verbs.core.common import DomainName
from lakehouse.verbs.core.parameters import Argument
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb
from lakehouse.verbs.core.written import rows_of


@verb("features push")
def features_push(
    session: Session,
    domain: DomainName,
    table: Annotated[str, Argument("The table whose rows they are.")],
    rows: Annotated[str, Argument("The rows as JSON: '[{\"payment_id\": …}]'.")],
) -> Answer:
    """Push rows into the online store, ahead of their table.

    Example: lakehouse features push payments_fraud payments '[{"payment_id": "P1", …}]'
    """
    from lakehouse.sdk import online

    pushed = rows_of(rows)
    views = online.push(session.context(domain), table, pushed)
    return facts({"rows": len(pushed), "views": views})
