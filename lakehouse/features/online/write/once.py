"""Changes that are made once, however often they are asked for.

A row with a key is told by it, wherever it comes from. What has none is told by the transaction
that brings it: beside the change of each entity its store notes the transaction's version, both at
once. So the same call made again, after a crash in its middle or because its sender did not hear
the answer, makes what is left to make.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from lakehouse.declare.tables import Table
from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.stores.protocol import (
    Change,
    EntityChunks,
    OnlineStore,
    Stored,
    Texts,
)
from lakehouse.language.provenance import KNOWN_AT


def change_once(
    store: OnlineStore,
    stored: Stored,
    changes: Mapping[bytes, Change],
    texts: Texts,
    transaction: Transaction | None,
    confirmed: Iterable[tuple[bytes, int]] = (),
) -> bool:
    """Change entities' chunks unless this transaction, or a later one of its application, did.

    False if it had changed all of them. Without a transaction they are changed as they are.
    """
    if transaction is None:
        store.change(stored, changes, texts, confirmed=confirmed)
        return True
    fresh = dict.fromkeys(changes, True)

    def made(entity: bytes, change: Change, chunks: EntityChunks) -> None:
        noted = chunks.noted()
        fresh[entity] = noted is None or noted < transaction.version
        if fresh[entity]:
            change(chunks)
            chunks.note(transaction.version)

    each = {entity: partial(made, entity, change) for entity, change in changes.items()}
    store.change(stored, each, texts, transaction.application, confirmed)
    return any(fresh.values()) or not fresh


def of_row(table: Table, row: Mapping[str, Any]) -> Transaction:
    """What tells a pushed row of a table without a key: all that it says but when it was known."""
    text = repr([(name, row[name]) for name in sorted(row) if name != KNOWN_AT])
    return Transaction(f"push {table.name} {hashlib.sha256(text.encode()).hexdigest()[:32]}", 1)
