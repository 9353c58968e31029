"""`models rollback`: let the champion before this one serve."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, said
from lakehouse.verbs.core.chosen import only_model
from lakehouse.verbs.core.common import DomainName, ModelName
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("models rollback")
def models_rollback(session: Session, domain: DomainName, model: ModelName = None) -> Answer:
    """Let the champion before this one serve again."""
    from lakehouse.records.lock import writing
    from lakehouse.registry.promotion import rollback

    ctx = session.context(domain)
    with writing(ctx.home.path):
        version = rollback(ctx, only_model(ctx.domain, model))
    return said(f"Version {version} serves again.")
