"""Short commands and scripts, each in a process of its own, end with their own exit code.

    python -m tests.journeys.short_commands [300] [--at-once 2]

A thread of a library that outlives the interpreter aborts its process after the right answer was
printed, once in some fifty times: so commands and scripts of every kind that users run are run
again and again, and what is counted is how they end and what they say on stderr. Prints a table,
and fails if one ended otherwise than it should.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import DOCS, blocks
from tests.journeys.conftest import SMALL, environment, lakehouse

DOMAIN = "payments_fraud"
CARD = json.dumps({"card_id": "C00017"})


@dataclass(frozen=True)
class Kind:
    """What one process runs: arguments for Python, and the exit code that is its own."""

    name: str
    arguments: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True)
class Ending:
    """How a process of a kind ended; `stderr` is its last line, empty where it said nothing."""

    kind: Kind
    exit_code: int
    stderr: str

    @property
    def own(self) -> bool:
        """Whether it ended as its kind does: with its exit code, and silent unless that is one."""
        return self.exit_code == self.kind.exit_code and (self.exit_code != 0 or not self.stderr)


def _command(line: str, exit_code: int = 0, *more: str) -> Kind:
    return Kind(f"lakehouse {line}", ("-m", "lakehouse.cli", *line.split(), *more), exit_code)


def _script(name: str, *lines: str, exit_code: int = 0) -> Kind:
    text = "\n".join(("from lakehouse import Lake", "lake = Lake()", *lines))
    return Kind(f"script: {name}", ("-c", text), exit_code)


COMMANDS = (
    _command("status"),
    _command("doctor"),
    _command("history"),
    _command("tag"),
    _command(f"run {DOMAIN}"),
    _command(f"quarantine list {DOMAIN}"),
    _command(f"contract balance {DOMAIN}"),
    _command(f"contract diff {DOMAIN}"),
    _command(f"features list {DOMAIN}"),
    _command(f"features get {DOMAIN} card_spend", 0, CARD),
    _command(f"features explain {DOMAIN} card_spend.payments_7d", 0, CARD),
    _command(f"features materialise {DOMAIN}"),
    _command(f"models list {DOMAIN}"),
    _command(f"score {DOMAIN}"),
    _command(f"features get {DOMAIN} no_such_view", 1, CARD),
    _command("no_such_command", 2),
)
SCRIPTS = (
    _script("a whole table", f"print(lake.table('{DOMAIN}.payments').num_rows)"),
    _script(
        "columns of a table as a frame",
        f"print(lake.table('{DOMAIN}.payments', columns=['card_id', 'paid_at']).to_pandas().shape)",
    ),
    _script(
        "features of a frame's rows",
        f"cards = lake.table('{DOMAIN}.payments', columns=['card_id', 'paid_at']).to_pandas()",
        f"print(lake.historical_features('{DOMAIN}', cards, ['card_spend'], at='paid_at').shape)",
    ),
    _script(
        "features now and stored",
        f"print(lake.features_of('{DOMAIN}', 'card_spend', {CARD}))",
        f"print(lake.online_features('{DOMAIN}', 'card_spend', {CARD}))",
    ),
    _script(
        "a feature's rows",
        f"print(lake.explain('{DOMAIN}', 'card_spend.payments_7d', {CARD}).rows.num_rows)",
    ),
    _script("a training set", f"print(lake.training_set('{DOMAIN}', 'fraud_training').digest)"),
    _script("a table that is not there", "lake.table('no.table')", exit_code=1),
)
OPENED = tuple(
    Kind(f"script: open-tables.md, line {block.line}", ("-c", block.text))
    for block in blocks(DOCS / "how-to" / "open-tables.md")
    if block.language == "python" and not block.mark
)
"""The scripts of the guide that opens tables with other libraries."""
KINDS = COMMANDS + SCRIPTS + OPENED


def make(home: Path) -> None:
    """Make the lake of a small world that the commands and scripts are about."""
    lakehouse(home, "demo", "--options", json.dumps(SMALL))


def run(kinds: Iterable[Kind], home: Path, at_once: int) -> list[Ending]:
    """Run each kind in a process of its own, so many beside one another."""
    variables = {**environment(), "LAKEHOUSE_HOME": str(home)}
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda kind: _ending(kind, variables), kinds))


def _ending(kind: Kind, variables: Mapping[str, str]) -> Ending:
    done = subprocess.run(
        [sys.executable, *kind.arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    said = done.stderr.strip().splitlines()
    return Ending(kind, done.returncode, said[-1] if said else "")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("processes", type=int, nargs="?", default=300)
    parser.add_argument("--at-once", type=int, default=2)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "lake"
        make(home)
        began = time.perf_counter()
        kinds = itertools.islice(itertools.cycle(KINDS), chosen.processes)
        endings = run(kinds, home, chosen.at_once)
    print(f"{'runs':>5}{'exit':>6}{'own':>5}  what was run, and its last line on stderr")
    for ending, runs in Counter(endings).items():
        own = "yes" if ending.own else "NO"
        said = f": {ending.stderr}" if ending.stderr else ""
        print(f"{runs:>5}{ending.exit_code:>6}{own:>5}  {ending.kind.name}{said}")
    wrong = [ending for ending in endings if not ending.own]
    took = time.perf_counter() - began
    print(f"{len(endings)} processes in {took:.0f} s, {len(wrong)} not with their own exit code")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
