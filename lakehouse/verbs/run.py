"""`run`: take a domain's deliveries through its stages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from lakehouse.verbs.core import steps
from lakehouse.verbs.core.answer import Answer
from lakehouse.verbs.core.common import DomainName, EngineName, Seed, Wait
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("run")
def run(
    session: Session,
    domain: DomainName,
    stages: Annotated[
        list[str] | None,
        Argument("raw, cleaned, curated, features, training; all when left out."),
    ] = None,
    as_of: Annotated[
        datetime | None,
        Option("The moment to train for, as 2018-09-30; default: the lake's clock."),
    ] = None,
    engine: EngineName = "embedded",
    seed: Seed = 0,
    clock: Annotated[
        str, Option("Clock of a lake made by this run: wall, or data for backfills.")
    ] = "wall",
    wait: Wait = 0.0,
) -> Answer:
    """Run a domain's stages, in the data's order.

    Every stage is incremental: with nothing new it makes no commit. Exit code 3 says that the
    run went on although a file was set aside or a model refused.

    Example: lakehouse run payments_fraud raw cleaned
    """
    from lakehouse.errors import DeclarationError
    from lakehouse.records.lock import writing
    from lakehouse.sdk.stages import STAGES
    from lakehouse.sdk.stages import run as run_stages

    if clock not in ("wall", "data"):
        raise DeclarationError(f"--clock={clock} is neither wall nor data.")
    ctx = session.context(domain, engine, create="data" if clock == "data" else "wall")
    ctx.home.landing(ctx.domain.name).mkdir(parents=True, exist_ok=True)
    with writing(ctx.home.path, wait):
        done = run_stages(ctx, stages or STAGES, as_of=as_of, seed=seed, progress=session.progress)
    return steps.answer(done, f"{ctx.domain.name} in {session.folder}")
