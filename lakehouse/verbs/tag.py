"""`tag`: name the present version of every table."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from lakehouse.verbs.core.answer import Answer, facts, rows, said
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("tag")
def tag(
    session: Session,
    name: Annotated[str | None, Argument("The tag to make; none: list them.")] = None,
    message: Annotated[str, Option("Why.", ("--message", "-m"))] = "",
    at: Annotated[datetime | None, Option("Tag the lake as of this moment.")] = None,
    delete: Annotated[bool, Option("Take the tag away.", ("--delete",))] = False,
) -> Answer:
    """Name the present version of every table, so that it stays readable for ever.

    Example: lakehouse tag before-migration -m "last state on the old contract"
    """
    from lakehouse.records import tags

    records = session.records()
    if name is None:
        return rows(tags.listed(records), "Tags", empty="none yet")
    if delete:
        tags.delete(records, name)
        return said(f"Tag '{name}' is gone; 'lakehouse maintain' may now remove its files.")
    made = tags.make(records, name, message, at)
    return facts({"tag": name, "tables": len(made)})
