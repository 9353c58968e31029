"""`models list`: a domain's model versions."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.common import DomainName
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("models list")
def models_list(session: Session, domain: DomainName) -> Answer:
    """List a domain's model versions with status and metrics."""
    from lakehouse.registry.promotion import versions

    ctx = session.context(domain)
    listed = [row for model in ctx.domain.models for row in versions(ctx, model)]
    return rows(listed, "Model versions", right=("version",), empty="none yet")
