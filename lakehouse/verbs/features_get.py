"""`features get`: a view's features of one entity."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, facts
from lakehouse.verbs.core.common import At, DomainName, EntityKey
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb
from lakehouse.verbs.core.written import object_of


@verb("features get")
def features_get(
    session: Session,
    domain: DomainName,
    view: Annotated[str, Argument("A feature view of the domain.")],
    entity: EntityKey,
    at: At = None,
    online: Annotated[bool, Option("Ask the online store.")] = False,
) -> Answer:
    """Show a view's features for one entity at a moment.

    Example: lakehouse features get payments_fraud card_spend '{"card_id": "17"}'
    """
    from lakehouse.sdk.lake import Lake

    lake = Lake(session.folder)
    ask = lake.online_features if online else lake.features_of
    return facts(ask(domain, view, object_of(entity), at=at))
