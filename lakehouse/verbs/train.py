"""`train`: train a domain's models."""

from __future__ import annotations

from lakehouse.verbs.core import steps
from lakehouse.verbs.core.answer import Answer
from lakehouse.verbs.core.common import At, DomainName, EngineName, Seed
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("train")
def train(
    session: Session,
    domain: DomainName,
    as_of: At = None,
    seed: Seed = 0,
    engine: EngineName = "embedded",
) -> Answer:
    """Train a domain's models, register them, and let the gate decide.

    The same as 'lakehouse run DOMAIN training'.
    """
    from lakehouse.records.lock import writing
    from lakehouse.sdk.stages import run

    ctx = session.context(domain, engine)
    with writing(ctx.home.path):
        done = run(ctx, ("training",), as_of=as_of, seed=seed, progress=session.progress)
    return steps.answer(done, f"Training of {ctx.domain.name}")
