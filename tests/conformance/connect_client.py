"""A client of Spark Connect: runs conformance checks and a small lake, and prints how each ended.

A process of its own, since one process holds sessions of one kind only:

    python -m tests.conformance.connect_client sc://127.0.0.1:15002 JARS FOLDER [CHECK …]
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from feature_repo.payments_fraud.generator.deliveries import deliver
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import Engine
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import SparkSettings
from lakehouse.sdk import composition, stages
from lakehouse.testing.conformance import CHECKS
from tests.journeys.agreement import payments_lake, stored

WORLD = {"customers": 10, "terminals": 20, "days": 3, "radius": 20.0}
STAGES = ("raw", "cleaned", "curated")
REFUSED = "check_a_fit_learns_from_every_row"
"""Fitting where the rows are takes barrier tasks, which Connect does not have."""


def stages_give_the_same_tables(engine: Engine, folder: Path) -> None:
    """A lake of three days, taken in and cleaned over Connect, and by the embedded engine."""
    contexts = []
    for name in ("embedded", "connected"):
        home = payments_lake(folder / name)
        deliver(home.landing("payments_fraud"), **WORLD)
        contexts.append(composition.open_context(home, "payments_fraud"))
    contexts[1] = replace(contexts[1], engine=engine)
    found = []
    for ctx in contexts:
        stages.run(ctx, STAGES)
        found.append(stored(ctx, entities=0))
    assert found[0] == found[1]


def fit_is_refused(engine: Engine, folder: Path) -> None:
    with pytest.raises(QueryError, match="barrier"):
        CHECKS[REFUSED](engine, folder)


CLAIMS: dict[str, Callable[[Engine, Path], None]] = {
    **{name: check for name, check in CHECKS.items() if name != REFUSED},
    "fit_is_refused": fit_is_refused,
    "stages_give_the_same_tables": stages_give_the_same_tables,
}


def main(arguments: Sequence[str]) -> None:
    """Run claims, all of them or those named; a line of JSON for each."""
    master, jars, folder, *names = arguments
    engine = SparkEngine(SparkSettings(master, Path(jars)))
    for name in names or CLAIMS:
        work = Path(folder) / name
        work.mkdir(parents=True)
        began = time.perf_counter()
        wrong = _wrong(partial(CLAIMS[name], engine, work))
        seconds = round(time.perf_counter() - began, 1)
        print(json.dumps({"claim": name, "wrong": wrong, "seconds": seconds}), flush=True)


def _wrong(claim: Callable[[], None]) -> str | None:
    try:
        claim()
    except Exception:
        return traceback.format_exc()
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
