from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.errors import LakeLocked
from lakehouse.records.lock import writing

HOLD = """
import sys
from pathlib import Path
from lakehouse.records.lock import writing

with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def let_go(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.write("\n")
    holder.stdin.flush()


def test_a_second_writer_is_told_who_the_first_is(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(LakeLocked) as refused, writing(tmp_path):
        pass
    assert (
        f"Process {holder.pid} is writing to the lake in {tmp_path}; wait for it to end and try "
        "again." == str(refused.value)
    )


def test_a_writer_that_was_killed_lets_go(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait(timeout=60)
    with writing(tmp_path):
        assert str(os.getpid()) == (tmp_path / ".writer.lock").read_text()


def test_a_patient_writer_waits_for_the_first_to_end(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    threading.Timer(0.2, let_go, [holder]).start()
    with writing(tmp_path, wait_s=60):
        assert 0 == holder.wait(timeout=60)


def test_a_patient_writer_gives_up_in_the_end(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(LakeLocked), writing(tmp_path, wait_s=0.2):
        pass
    assert time.monotonic() - begun >= 0.2


def test_one_writer_after_another_may_write(tmp_path: Path) -> None:
    for _ in range(2):
        with writing(tmp_path):
            pass


def test_a_writer_that_fails_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError
    with writing(tmp_path):
        pass


def test_one_process_does_not_write_twice_at_once(tmp_path: Path) -> None:
    named = pytest.raises(LakeLocked, match=f"Process {os.getpid()} ")
    with writing(tmp_path), named, writing(tmp_path):
        pass


def test_other_lakes_may_be_written_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with writing(tmp_path), writing(tmp_path / "other"):
        pass
