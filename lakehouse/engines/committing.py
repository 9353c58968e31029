"""One commit at a time: every engine's writers take a table's lock, and try again after a refusal.

Delta's commit protocol on a local disk is promised only between threads of one process; two Spark
processes, or Spark beside delta-rs, may otherwise lose a commit. Writers outside the platform take
no lock: delta-rs and Spark notice most of their commits and refuse, which is tried again.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.engines import delta
from lakehouse.engines.failures import WriteConflict
from lakehouse.engines.protocol import Transaction

ATTEMPTS = 5


@contextmanager
def locked(table: Path) -> Iterator[None]:
    """Hold a local table's lock, waiting for it; the system drops it when its process ends."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with open(table.parent / f".{table.name}.lock", "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def commit_once(table: Path, transaction: Transaction, attempt: Callable[[], int]) -> int:
    """Commit unless the table has seen the transaction, and return the table's version after it.

    `attempt` makes the commit and returns the version, or raises WriteConflict where another
    writer was there first; the last conflict is raised if all attempts meet one.
    """
    with locked(table):
        for remaining in reversed(range(ATTEMPTS)):
            seen = delta.applied(table, transaction.application) >= transaction.version
            done = delta.version(table) if seen else None
            if done is not None:
                return done
            try:
                return attempt()
            except WriteConflict:
                if not remaining:
                    raise
    raise AssertionError("unreachable")
