"""Short commands and scripts end with their own exit code; all sizes in short_commands."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.short_commands import OPENED, SCRIPTS, Kind, run


def test_scripts_end_with_their_own_exit_code(demo: tuple[Path, str]) -> None:
    """Those that read as Arrow; commands end processes of their own all over the suite."""
    endings = run((*SCRIPTS[:3], *OPENED), demo[0], at_once=2)
    assert [] == [ending for ending in endings if not ending.own]


def test_a_thread_that_outlives_the_interpreter_would_be_noticed(demo: tuple[Path, str]) -> None:
    aborts = Kind("aborts", ("-c", "import os; print(1, flush=True); os.abort()"))
    complains = Kind("complains", ("-c", "import sys; print('left', file=sys.stderr)"))
    endings = run((aborts, complains), demo[0], at_once=2)
    assert [(-6, False), (0, False)] == [(ending.exit_code, ending.own) for ending in endings]
