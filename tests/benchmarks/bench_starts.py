"""Processor time of short commands, of training on little data, and of the demonstration.

    python -m tests.benchmarks.bench_starts [--beside CHECKOUT] [--runs N] [--demo]
                                          [--no-bytecode]

Each figure is the processor time (user and system) of a whole process, the median of the runs.
With another checkout, which has an environment of its own in `.venv`, the two take turns and the
ratio of the medians is given, with the least and the greatest of the runs' ratios. `--demo` adds
the demonstration, and training in it alone, on 1,754,155 payments: a minute a run.

Bytecode is kept from run to run, as an installation keeps it, also where PYTHONDONTWRITEBYTECODE
is set, and a first run that makes it does not count. It lies beside the lakes, so that no checkout
is changed. `--no-bytecode` has every process compile what it imports, as in such an environment.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import small_shop

ROOT = Path(__file__).resolve().parents[2]
SHOP = str(Path(small_shop.__file__))
DELIVER = (
    "import sys; from pathlib import Path; from feature_repo.payments_fraud import domain; "
    "from lakehouse.declare.compiled import FunctionReference; "
    "module, _, name = domain.deliver.partition(':'); folder = Path(sys.argv[1]); "
    "folder.mkdir(parents=True); FunctionReference(module, name, '').load()(folder)"
)


@dataclass(frozen=True)
class Program:
    """A checkout, whose commands are run by its own environment; its bytecode lies in a folder."""

    folder: Path
    bytecode: Path
    keeps_bytecode: bool = True

    def run(self, lake: Path, *arguments: str) -> float:
        """Run a command on a lake; the processor seconds it took."""
        return self.python(lake, "-m", "lakehouse.cli", *arguments)

    def python(self, lake: Path, *arguments: str) -> float:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "LAKEHOUSE_HOME": str(lake),
            "LAKEHOUSE_CODE_VERSION": "bench",
            "PYTHONPYCACHEPREFIX": str(self.bytecode),
        }
        if not self.keeps_bytecode:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        process = subprocess.Popen(
            [str(self.folder / ".venv" / "bin" / "python"), *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        with process.stderr:
            complaints = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.folder}: {' '.join(arguments)} failed:\n{complaints[-2000:]}")
        return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Case:
    """A command, and the lake that it is run on: made once for a program, copied for a run."""

    name: str
    prepare: Callable[[Program, Path], None]
    command: tuple[str, ...]


def shop(program: Program, lake: Path) -> None:
    """A thousand orders as far as features."""
    small_shop.deliver(lake / "landing" / "small_shop")
    program.run(lake, "run", "--clock", "data", SHOP, "raw", "cleaned", "curated", "features")


def trained_shop(program: Program, lake: Path) -> None:
    shop(program, lake)
    program.run(lake, "train", SHOP)


def payments(program: Program, lake: Path) -> None:
    """The demonstration's payments as far as features."""
    program.python(lake, "-c", DELIVER, str(lake / "landing" / "payments_fraud"))
    stages = ("raw", "cleaned", "curated", "features")
    program.run(lake, "run", "--clock", "data", "payments_fraud", *stages)


def nothing(program: Program, lake: Path) -> None:
    """No lake yet."""


SHORT = (
    Case("status", trained_shop, ("status",)),
    Case("run with nothing to do", trained_shop, ("run", SHOP)),
    Case("train on 1,000 rows", shop, ("train", SHOP)),
)
LONG = (
    Case("training in the demo", payments, ("train", "payments_fraud")),
    Case("the whole demo", nothing, ("demo",)),
)


def measure(case: Case, programs: list[Program], runs: int) -> list[list[float]]:
    """The processor seconds of each program's runs, taken in turns; the first is not counted."""
    took: list[list[float]] = [[] for _ in programs]
    with tempfile.TemporaryDirectory() as scratch:
        made = [Path(scratch) / f"made{place}" for place in range(len(programs))]
        for program, lake in zip(programs, made, strict=True):
            case.prepare(program, lake)
        for number in range(1 + runs):
            for place, program in enumerate(programs):
                lake = Path(scratch) / "lake"
                if made[place].exists():
                    shutil.copytree(made[place], lake)
                seconds = program.run(lake, *case.command)
                if number:
                    took[place].append(seconds)
                shutil.rmtree(lake)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout, to take turns with")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    parser.add_argument("--demo", action="store_true", help="the demonstration too")
    parser.add_argument("--no-bytecode", action="store_true", help="keep no bytecode")
    given = parser.parse_args()
    checkouts = [ROOT] + ([given.beside.resolve()] if given.beside else [])
    with tempfile.TemporaryDirectory() as kept:
        programs = [
            Program(checkout, Path(kept) / str(place), not given.no_bytecode)
            for place, checkout in enumerate(checkouts)
        ]
        print(f"{'processor seconds, median':28}{'here':>8}{'beside':>9}{'ratio':>8}  spread")
        for case in (*SHORT, *(LONG if given.demo else ())):
            print(_line(case, measure(case, programs, given.runs)), flush=True)


def _line(case: Case, took: list[list[float]]) -> str:
    """A case's medians, and how those of the first program stand to those of another."""
    here = statistics.median(took[0])
    line = f"{case.name:28}{here:8.2f}"
    if len(took) > 1:
        ratios = sorted(ours / theirs for ours, theirs in zip(*took, strict=True))
        beside = statistics.median(took[1])
        line += f"{beside:9.2f}{here / beside:8.2f}  {ratios[0]:.2f} to {ratios[-1]:.2f}"
    return line


if __name__ == "__main__":
    main()
