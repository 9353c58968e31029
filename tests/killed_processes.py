"""Processes to be killed: forked from one that has imported the platform, to begin at once.

Nothing but imports happened in the process they are forked from: no thread runs there, and no
file, database or session is open.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "lakehouse.sdk.composition",
        "lakehouse.sdk.stages",
        "lakehouse.engines.embedded",
        "lakehouse.zones.raw",
        "lakehouse.zones.cleaned",
        "lakehouse.zones.curated",
        "lakehouse.features.online.write.materialise",
        "lakehouse.testing.conformance.world",
    ]
)


def begun(work: Callable[..., None], *arguments: Any, sign: Path) -> ForkServerProcess:
    """Start a process that calls `work(*arguments)`, and wait until it has made the file `sign`.

    Raises AssertionError where it ends without.
    """
    child = _CONTEXT.Process(target=work, args=arguments)
    child.start()
    while not sign.exists():
        child.join(0.005)
        assert child.is_alive() or sign.exists(), f"ended with {child.exitcode} before it began"
    return child


def kill(child: ForkServerProcess, after: float) -> bool:
    """Kill a process (SIGKILL) after some seconds; returns whether it was still at work.

    Raises AssertionError where it had failed by itself.
    """
    child.join(after)
    at_work = child.is_alive()
    child.kill()
    child.join()
    assert child.exitcode in (0, -9), f"ended with {child.exitcode} by itself"
    return at_work
