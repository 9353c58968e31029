"""`keys list`: the keys of the service."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("keys list")
def keys_list(session: Session) -> Answer:
    """List the keys there are: role, label, age and the first digits of their hash."""
    from lakehouse.records.keys import listed_keys

    keys = listed_keys(session.records())
    return rows(keys, "Keys", empty="none; make one with 'lakehouse keys make application'")
