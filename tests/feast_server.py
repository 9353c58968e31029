"""A server of Feast's, run as its users run it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.redis_server import free_port

FEAST = Path(sys.executable).parent / "feast"
Server = tuple[str, Callable[[str], None]]
"""An address, and how to wait until a path of it answers."""


@contextmanager
def feast_server(
    repository: Path, verb: str, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `feast serve`, or another verb, on a free port of the loopback until the block ends.

    What it says is in the folder that the repository lies in.
    """
    port = free_port()
    command = [FEAST, "-c", repository.name, verb, "--host", "127.0.0.1", "--port", str(port)]
    log = repository.parent / f"{verb}.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [*command, *options],
            cwd=repository.parent,
            env=environment,
            stdout=written,
            stderr=written,
        )
    address = f"http://127.0.0.1:{port}"

    def ready(path: str) -> None:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            try:
                urllib.request.urlopen(address + path, timeout=5).close()
                return
            except (URLError, ConnectionError):
                time.sleep(0.2)
        raise AssertionError(f"{command}\n{log.read_text()}")

    try:
        yield address, ready
    finally:
        process.terminate()
        process.wait(timeout=30)


def post(address: str, body: Mapping[str, Any]) -> Any:
    """The answer to a body of JSON."""
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or "null")
