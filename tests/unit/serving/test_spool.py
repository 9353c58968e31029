"""Spool files: nothing acknowledged is lost, nothing delivered changes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest

from serving.spool import Spool, recover


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def watch() -> Watch:
    return Watch()


def make(folder: Path, watch: Watch, rows: int = 5_000) -> Spool:
    numbers = count(1)
    return Spool(
        folder,
        lambda _: f"rows-{next(numbers)}.jsonl",
        now=watch,
        deliver_after_s=1.0,
        deliver_rows=rows,
    )


def delivered(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name[0] != "."}


def spooled(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name[0] == ".")


def test_young_rows_stay_in_a_hidden_file(tmp_path: Path, watch: Watch) -> None:
    spool = make(tmp_path, watch)
    spool.append(b"1\n", 1)
    watch.s = 0.99
    spool.settle()
    assert (delivered(tmp_path), spooled(tmp_path)) == ({}, [".rows-1.jsonl.part"])


def test_old_rows_are_delivered_whole_and_later_ones_go_into_the_next_file(
    tmp_path: Path, watch: Watch
) -> None:
    spool = make(tmp_path, watch)
    spool.append(b"1\n", 1)
    watch.s = 0.5
    spool.append(b"2\n", 1)
    watch.s = 1.0
    spool.settle()
    first = delivered(tmp_path)
    spool.append(b"3\n", 1)
    spool.settle(close=True)
    assert first == {"rows-1.jsonl": b"1\n2\n"}
    assert delivered(tmp_path) == first | {"rows-2.jsonl": b"3\n"}
    assert spooled(tmp_path) == []
    assert spool.unsettled is False


def test_a_full_file_is_delivered_without_waiting(tmp_path: Path, watch: Watch) -> None:
    spool = make(tmp_path, watch, rows=2)
    for n in range(5):
        spool.append(b"%d\n" % n, 1)
    spool.settle()
    assert delivered(tmp_path) == {"rows-1.jsonl": b"0\n1\n", "rows-2.jsonl": b"2\n3\n"}
    assert spooled(tmp_path) == [".rows-3.jsonl.part"]


def test_a_write_that_fails_halfway_leaves_no_torn_line(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make(tmp_path, watch)
    spool.append(b"first\n", 1)
    real, written = os.write, count()

    def full_disk(descriptor: int, data: bytes) -> int:
        if next(written) == 0:
            return real(descriptor, bytes(data)[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        spool.append(b"second\n", 1)
    monkeypatch.undo()
    spool.append(b"third\n", 1)
    spool.settle(close=True)
    assert delivered(tmp_path) == {"rows-1.jsonl": b"first\nthird\n"}


def test_rows_of_a_sync_that_failed_are_never_acknowledged(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make(tmp_path, watch)
    ticket = spool.append(b"doubtful\n", 1)

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        spool.settle(ticket)
    monkeypatch.undo()
    with pytest.raises(OSError, match="did not confirm"):
        spool.settle(ticket)
    after = spool.append(b"sure\n", 1)
    spool.settle(after)
    spool.settle(close=True)
    assert delivered(tmp_path) == {"rows-1.jsonl": b"doubtful\n", "rows-2.jsonl": b"sure\n"}


def test_callers_share_a_sync(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make(tmp_path, watch)
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    tickets = [spool.append(b"x\n", 1) for _ in range(10)]
    for ticket in tickets:
        spool.settle(ticket)
    assert len(syncs) == 1


def test_threads_that_append_and_settle_lose_and_repeat_nothing(tmp_path: Path) -> None:
    watch = Watch()
    spool = make(tmp_path, watch, rows=7)

    def write(part: int) -> None:
        for n in range(50):
            spool.settle(spool.append(b"%d-%d\n" % (part, n), 1))

    threads = [threading.Thread(target=write, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.settle(close=True)
    lines = b"".join(delivered(tmp_path).values()).split()
    assert sorted(lines) == sorted(b"%d-%d" % (p, n) for p in range(8) for n in range(50))


def test_a_file_that_lies_there_is_never_written_over(tmp_path: Path, watch: Watch) -> None:
    (tmp_path / "rows-1.jsonl").write_bytes(b"theirs\n")
    spool = make(tmp_path, watch)
    spool.append(b"ours\n", 1)
    with pytest.raises(FileExistsError, match="is there already"):
        spool.settle(close=True)
    assert delivered(tmp_path) == {"rows-1.jsonl": b"theirs\n"}
    assert (tmp_path / ".rows-1.jsonl.part").read_bytes() == b"ours\n"


def test_recovery_cuts_a_torn_last_line_and_keeps_whole_ones(tmp_path: Path) -> None:
    folder = tmp_path / "decisions" / "fraud"
    folder.mkdir(parents=True)
    (folder / ".rows-1.jsonl.part").write_bytes(b'{"a":1}\n{"a":2}\n{"a"')
    (folder / ".rows-2.jsonl.part").write_bytes(b'{"a"')
    (folder / ".rows-3.jsonl.part").write_bytes(b"x" * 70_000 + b"\n" + b"y" * 140_000)
    (folder / ".another").write_bytes(b"not ours\n")
    assert recover(tmp_path) == 2
    assert delivered(folder) == {
        "rows-1.jsonl": b'{"a":1}\n{"a":2}\n',
        "rows-3.jsonl": b"x" * 70_000 + b"\n",
    }
    assert spooled(folder) == [".another"]
    assert recover(tmp_path) == 0


def test_recovery_leaves_the_files_of_living_writers_alone(tmp_path: Path, watch: Watch) -> None:
    spool = make(tmp_path, watch)
    spool.append(b"alive\n", 1)
    assert recover(tmp_path) == 0
    spool.append(b"still\n", 1)
    spool.settle(close=True)
    assert delivered(tmp_path) == {"rows-1.jsonl": b"alive\nstill\n"}


KILLED = """
import os, signal, sys
from itertools import count
from pathlib import Path
from serving.spool import Spool
numbers = count(1)
spool = Spool(Path(sys.argv[1]), lambda n: f"rows-{n}.jsonl", now=lambda: 0.0,
              deliver_after_s=1.0, deliver_rows=100)
for n in range(250):
    spool.append(b"%d\\n" % n, 1)
    if n == 120:
        spool.settle()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_rows_written_before_a_kill_are_delivered_once_by_the_next_start(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    before = delivered(tmp_path)
    recover(tmp_path)
    after = delivered(tmp_path)
    lines = b"".join(after[name] for name in sorted(after)).split()
    assert lines == [b"%d" % n for n in range(250)]
    assert before.items() <= after.items()
