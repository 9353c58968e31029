"""`keys revoke`: take a key of the service away."""

from __future__ import annotations

from typing import Annotated

from lakehouse.errors import NotFound
from lakehouse.verbs.core.answer import Answer, said
from lakehouse.verbs.core.parameters import Argument
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("keys revoke")
def keys_revoke(
    session: Session,
    hash_prefix: Annotated[str, Argument("First digits of the hash, from 'list'.")],
) -> Answer:
    """Take a key away; the service refuses it from then on."""
    from lakehouse.records.keys import revoke_keys

    gone = revoke_keys(session.records(), hash_prefix)
    if gone == 0:
        raise NotFound(f"No key has a hash that begins with '{hash_prefix}'; see 'keys list'.")
    return said(f"{gone} key(s) taken away.")
