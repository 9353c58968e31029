"""One commit at a time: every engine's writers take a table's lock, and try again after a refusal.

Delta's commit protocol on a local disk is promised only between threads of one process; two Spark
processes, or Spark beside delta-rs, may otherwise lose a commit. Writers outside the platform take
no lock: delta-rs and Spark notice most of their commits and refuse, which is tried again.
"""

from __future__ import annotations

from collections.abc import Callable

from lakehouse.engines.failures import WriteConflict
from lakehouse.engines.protocol import Transaction
from lakehouse.storage.tables import TableRef

ATTEMPTS = 5


def commit_once(table: TableRef, transaction: Transaction, attempt: Callable[[], int]) -> int:
    """Commit unless the table has seen the transaction, and return the table's version after it.

    `attempt` makes the commit and returns the version, or raises WriteConflict where another
    writer was there first; the last conflict is raised if all attempts meet one.
    """
    with table.locked():
        for remaining in reversed(range(ATTEMPTS)):
            seen = table.applied(transaction.application) >= transaction.version
            done = table.version() if seen else None
            if done is not None:
                return done
            try:
                return attempt()
            except WriteConflict:
                if not remaining:
                    raise
    raise AssertionError("unreachable")
