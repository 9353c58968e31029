"""`keys make`: a key for the service."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, facts
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("keys make")
def keys_make(
    session: Session,
    role: Annotated[str, Argument("application, scientist or operator")],
    label: Annotated[str, Option("Whose key it is.")] = "",
) -> Answer:
    """Make a key for a role and print it, once."""
    from lakehouse.records.keys import make_key

    return facts({"role": role, "key": make_key(session.records(), role, label)})
