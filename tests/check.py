"""The one check command: lint, format, types and import rules.

    uv run python -m tests.check

Runs all four, prints a line for each, then what those that failed had to say; exits with 1 if any
did. Doctests run with the tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
CHECKS: dict[str, Sequence[str]] = {
    "lint": (sys.executable, "-m", "ruff", "check", "."),
    "format": (sys.executable, "-m", "ruff", "format", "--check", "."),
    "types": (sys.executable, "-m", "mypy"),
    "imports": (str(SCRIPTS / "lint-imports"), "--no-logo", "--no-cache"),
}


def main() -> int:
    """Run every check; returns the exit code."""
    complaints = []
    for name, command in CHECKS.items():
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        verdict = "passed" if done.returncode == 0 else "FAILED"
        print(f"{name:<8} {verdict}  {time.perf_counter() - began:5.1f} s", flush=True)
        if done.returncode != 0:
            complaints.append(f"\n{name}: {' '.join(map(str, command[1:]))}\n{done.stdout}")
    print("".join(complaints), end="")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
