"""`reproduce`: build a model version anew."""

from __future__ import annotations

from lakehouse.verbs.core.answer import DONE, FAILED, Answer, facts
from lakehouse.verbs.core.chosen import only_model
from lakehouse.verbs.core.common import DomainName, EngineName, ModelName, Version
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("reproduce")
def reproduce(
    session: Session,
    domain: DomainName,
    model: ModelName = None,
    version: Version = None,
    engine: EngineName = "embedded",
) -> Answer:
    """Rebuild a version's training set and metrics from its pins, and compare."""
    from lakehouse.registry.reproduce import reproduce as rebuild

    ctx = session.context(domain, engine)
    done = rebuild(ctx, only_model(ctx.domain, model), version)
    code = DONE if done.same else FAILED
    return facts(vars(done) | {"same": done.same}, "Reproduction", code=code)
