"""`keys list`: the keys of the service."""

from __future__ import annotations

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("keys list")
def keys_list(session: Session) -> Answer:
    """List the keys there are: role, label, age and the first digits of their hash."""
    keys = session.records().select(
        "SELECT role, label, created_at, substr(key_sha256, 1, 12) AS hash FROM keys "
        "ORDER BY created_at"
    )
    return rows(keys, "Keys", empty="none; make one with 'lakehouse keys make application'")
