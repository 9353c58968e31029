"""`features list`: the views of a domain."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.common import DomainName
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb

SHOWN = ("view", "of", "by", "owner", "fresh_within", "description")


@verb("features list")
def features_list(session: Session, domain: DomainName) -> Answer:
    """List the views of a domain: what each is of, who answers for it, how fresh it should be.

    Example: lakehouse features list payments_fraud
    """
    from lakehouse.declare.features import StoredView

    declared = session.domain(domain)
    views = []
    for view in declared.views:
        stored = view if isinstance(view, StoredView) else None
        views.append(
            {
                "view": view.name,
                "of": None if stored is None else stored.of.name,
                "by": None if stored is None else ", ".join(stored.by.keys),
                "features": [f.name for f in view.features],
                "owner": declared.owner_of(view),
                "fresh_within": None if view.fresh_within is None else str(view.fresh_within),
                "description": view.description,
            }
        )
    return rows(views, f"Views of {domain}", columns=SHOWN, empty="none is declared")
