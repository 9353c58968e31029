"""All benchmarks one after the other, each as by its own command.

    python -m tests.benchmarks [NAME ...]

A name is that of a script without `bench_`; without names all are run. Ends with the names of
those that failed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*"))


def main() -> None:
    asked = sys.argv[1:] or NAMES
    unknown = sorted(set(asked) - set(NAMES))
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}; use {', '.join(NAMES)}.")
    failed = []
    for name in asked:
        command = ["-m", f"tests.benchmarks.bench_{name}"]
        print(f"\n── python {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, *command], check=False).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
