"""A Redis server for tests: on the loopback address, in memory alone, for one session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.features.online.stores.redis.wire import Wire, command

STARTS_WITHIN_S = 20


def program() -> str:
    """The server's program; without it tests are skipped, which CI does not accept."""
    found = shutil.which("redis-server")
    if found is None:
        why = "no redis-server on the PATH: the Redis store is tested with a real server"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


@contextmanager
def redis_server(folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """Run a server with these options too until the block ends; its URL."""
    port = port or free_port()
    command_line = [
        *(program(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", *options),
    ]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen(command_line, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "redis.log")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()  # there is nothing to keep
        process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def ask(url: str, *parts: bytes) -> object:
    """The answer to one command."""
    wire = Wire(Address.parse(url))
    (found,) = wire.ask(command(*parts), 1)
    wire.close()
    return found


def keys(url: str) -> Sequence[bytes]:
    found = ask(url, b"KEYS", b"*")
    assert isinstance(found, list)
    return sorted(found)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            wire = Wire(Address.parse(f"redis://127.0.0.1:{port}/0"))
            (said,) = wire.ask(command(b"PING"), 1)
            wire.close()
            if not isinstance(said, Exception):  # one is: it reads what it kept
                return
        except (OSError, LakehouseError):
            pass
        time.sleep(0.02)
    pytest.fail(f"redis-server did not start:\n{log.read_text()}", pytrace=False)
