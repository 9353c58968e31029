"""One writer at a time: a cross-process lock on a local lake.

Delta's commit protocol on a local disk is promised only between threads of one process, so every
writer of a lake holds this lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import LakeLocked


@contextmanager
def writing(home: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lake's writer lock; raises LakeLocked naming the holder after `wait_s` seconds.

    The operating system drops the lock when its process ends, however it ends.
    """
    until = time.monotonic() + wait_s
    with open(home / ".writer.lock", "a+") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    handle.seek(0)
                    raise LakeLocked(
                        f"Process {handle.read().strip() or '?'} is writing to the lake in {home}; "
                        "wait for it to end and try again."
                    ) from None
                time.sleep(0.05)
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield
