"""`models promote`: let a version serve."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, said
from lakehouse.verbs.core.chosen import only_model
from lakehouse.verbs.core.common import DomainName, ModelName
from lakehouse.verbs.core.parameters import Argument
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("models promote")
def models_promote(
    session: Session,
    domain: DomainName,
    version: Annotated[int, Argument("The version that is to serve.")],
    model: ModelName = None,
) -> Answer:
    """Make a version champion if its gate lets it; the service follows at once."""
    from lakehouse.records.lock import writing
    from lakehouse.registry.promotion import promote

    ctx = session.context(domain)
    with writing(ctx.home.path):
        promote(ctx, only_model(ctx.domain, model), version)
    return said(f"Version {version} serves.")
