"""`features materialise`: bring the online store up to date."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.common import DomainName, EngineName, Wait
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("features materialise")
def features_materialise(
    session: Session,
    domain: DomainName,
    view: Annotated[str | None, Argument("One view; default: all.")] = None,
    full: Annotated[bool, Option("Pack the views anew.", ("--full",))] = False,
    since: Annotated[
        datetime | None, Option("Read again what has rows from this time on.", ("--from",))
    ] = None,
    until: Annotated[datetime | None, Option("… and up to, without, this time.")] = None,
    engine: EngineName = "embedded",
    wait: Wait = 0.0,
) -> Answer:
    """Bring the online store up to date with the tables of a domain's views.

    Example: lakehouse features materialise payments_fraud card_spend --full
    """
    from lakehouse.records.lock import writing
    from lakehouse.sdk import online

    ctx = session.context(domain, engine)
    with writing(ctx.home.path, wait):
        session.progress("features", view or ctx.domain.name)
        done = online.materialise(ctx, view, full, since, until)
    return rows(
        [{"view": name, **vars(one)} for name, one in done.items()],
        f"Online store of {ctx.domain.name}",
        right=("rows", "entities", "version", "taken"),
        empty="no view is declared",
    )
