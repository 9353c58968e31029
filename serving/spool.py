"""JSON lines that become deliveries: appended at once, on disk soon, delivered whole.

A spool file's name begins with a dot, which landing globs do not match, and ends in `.part`. It
is renamed to its final name when it is old or long enough, and never touched again: a file is
delivered once and with one content. A file lock tells a living writer's spool from one that a
crash left behind; what is left behind is delivered by the next service to start.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

_SUFFIX = ".part"
_numbers = count(1)
_log = logging.getLogger("serving.spool")


@dataclass(eq=False)
class _File:
    path: Path
    descriptor: int
    opened_at: float
    size: int = 0
    synced: int = 0
    rows: int = 0


class Spool:
    """Appends rows for one folder. Safe across threads.

    `name(number)` gives the final name of the next file, `now` is a monotonic clock in seconds.
    `append` returns when the rows are with the operating system, where they outlive this process;
    `settle` when they are on disk, where they outlive the machine's power.
    """

    def __init__(
        self,
        folder: Path,
        name: Callable[[int], str],
        *,
        now: Callable[[], float],
        deliver_after_s: float,
        deliver_rows: int,
    ) -> None:
        self.folder, self._name, self._now = folder, name, now
        self._deliver_after_s, self._deliver_rows = deliver_after_s, deliver_rows
        self._lock = threading.Lock()  # guards what follows; held for a write, never for a sync
        self._settling = threading.Lock()
        self._current: _File | None = None
        self._full: list[_File] = []
        self._written = 0
        self._settled = 0
        self._unsure: list[range] = []

    def append(self, lines: bytes, rows: int) -> int:
        """Write whole lines; returns the number of rows written so far, a ticket for `settle`.

        Raises OSError, and then none of the lines stands in the file.
        """
        with self._lock:
            file = self._current or self._open()
            self._current = file
            try:
                _write(file.descriptor, lines)
            except OSError:
                os.ftruncate(file.descriptor, file.size)
                raise
            file.size += len(lines)
            file.rows += rows
            self._written += rows
            if file.rows >= self._deliver_rows:
                self._full.append(file)
                self._current = None
            return self._written

    @property
    def unsettled(self) -> bool:
        """Whether rows wait to be synced, or a file to be delivered."""
        return self._written > self._settled or self._current is not None or bool(self._full)

    def settle(self, ticket: int = 0, close: bool = False) -> None:
        """Bring every row written so far to disk, and deliver files that are due.

        Callers share a sync: one whose `ticket` was settled by another meanwhile returns at once.
        `close` delivers the current file whatever its age. Raises OSError if the ticket's rows
        may not be on disk; they may be delivered nevertheless.
        """
        with self._settling:
            if ticket == 0 or ticket > self._settled:
                self._settle(close)
            if any(ticket in rows for rows in self._unsure):
                raise OSError(f"The disk did not confirm rows written to {self.folder}.")

    def _settle(self, close: bool) -> None:
        with self._lock:
            file, written = self._current, self._written
            if file is not None and (close or self._due(file)):
                self._full.append(file)
                self._current = file = None
            full = list(self._full)
        try:
            for open_file in (*full, *((file,) if file is not None else ())):
                self._sync(open_file)
        except OSError:
            self._doubt()
            raise
        self._settled = written
        for done in full:
            if done.rows:
                _deliver(done.path)
            else:
                done.path.unlink(missing_ok=True)
            os.close(done.descriptor)
            with self._lock:
                self._full.remove(done)
        if full:
            _sync_folder(self.folder)

    def _doubt(self) -> None:
        """After a failed sync, count nothing since the last good one as being on disk.

        The kernel tells of a failed write once, and may call the file's next sync a success: so
        no further row goes into it either.
        """
        with self._lock:
            first = self._settled + 1
            if self._unsure and self._unsure[-1].stop == first:
                first = self._unsure.pop().start
            self._unsure.append(range(first, self._written + 1))
            self._settled = self._written
            if self._current is not None:
                self._full.append(self._current)
                self._current = None

    def _sync(self, file: _File) -> None:
        size = file.size
        if size > file.synced:
            os.fdatasync(file.descriptor)
            if file.synced == 0:
                _sync_folder(self.folder)
            file.synced = size

    def _due(self, file: _File) -> bool:
        return self._now() - file.opened_at >= self._deliver_after_s

    def _open(self) -> _File:
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = self.folder / f".{self._name(next(_numbers))}{_SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o640)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A starting service may have cleared the file away before it was locked.
            if _is(path, descriptor):
                return _File(path, descriptor, self._now())
            os.close(descriptor)


def recover(landing: Path) -> int:
    """Deliver the spool files that dead writers left below a landing folder; returns how many.

    A torn last line is cut off: its writer died before the whole line was written, so nobody was
    told that it had been. Files of living writers are left alone.
    """
    found = 0
    for folder, _, names in os.walk(landing):
        for name in names:
            if name.startswith(".") and name.endswith(f".jsonl{_SUFFIX}"):
                found += _recover(Path(folder, name))
    return found


def _recover(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        if not _is(path, descriptor):
            return 0
        whole = _whole_lines(descriptor)
        if whole < os.fstat(descriptor).st_size:
            _log.warning("Cut an unfinished line off %s, which nobody was told of.", path.name)
            os.ftruncate(descriptor, whole)
        if whole == 0:
            path.unlink()
            return 0
        os.fsync(descriptor)
        _deliver(path)
        _sync_folder(path.parent)
        return 1
    finally:
        os.close(descriptor)


def _deliver(path: Path) -> None:
    """Give a finished spool file its final name; never over a file that is there."""
    final = path.with_name(path.name.removeprefix(".").removesuffix(_SUFFIX))
    if final.exists():
        raise FileExistsError(f"{final} is there already; the rows stay in {path.name}.")
    path.rename(final)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _whole_lines(descriptor: int) -> int:
    """The length of the file up to and with its last line break."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - 65_536)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _is(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stamp(at: datetime) -> str:
    """A time as it stands in a file name: sortable, without colons.

    >>> stamp(datetime(2018, 4, 1, 10, 0, 0, 5, tzinfo=UTC))
    '20180401T100000.000005Z'
    """
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
