"""kill -9 at any moment of a run: the next run ends as an undisturbed one does."""

from __future__ import annotations

import os
import random
from pathlib import Path

from feature_repo.payments_fraud.generator.deliveries import deliver
from lakehouse.records.home import Home
from lakehouse.records.lock import writing
from lakehouse.sdk import composition, stages
from tests.journeys.agreement import payments_lake, stored
from tests.journeys.conftest import SMALL, environment
from tests.killed_processes import begun, kill

KILLS = 20
WORLD = SMALL | {"customers": 60}
STAGES = ("raw", "cleaned", "curated", "features")


def test_twenty_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw = random.Random(9)
    disturbed = payments_lake(tmp_path / "disturbed")
    killed = 0
    for turn in range(KILLS):
        # Three more days each turn, so that every run has something to do.
        _deliver(disturbed, last_day=3 * turn + 2)
        sign = tmp_path / f"begun-{turn}"
        child = begun(_run, str(disturbed.path), str(sign), sign=sign)
        killed += kill(child, after=draw.uniform(0.0, 1.6))
    assert killed >= KILLS // 2, "the runs ended before they could be killed; kill earlier"

    undisturbed = payments_lake(tmp_path / "undisturbed")
    _deliver(undisturbed, last_day=3 * KILLS - 1)
    contexts = [composition.open_context(h, "payments_fraud") for h in (disturbed, undisturbed)]
    for ctx in contexts:
        stages.run(ctx, STAGES)
    assert stored(contexts[0]) == stored(contexts[1])


def _deliver(home: Home, last_day: int) -> None:
    deliver(home.landing("payments_fraud"), **(WORLD | {"last_day": last_day}))


def _run(home: str, sign: str) -> None:
    """What a child process does: a run of all stages that write tables, as a command does it."""
    os.environ.update(environment())
    ctx = composition.open_context(composition.open_home(home), "payments_fraud")
    Path(sign).touch()
    with writing(ctx.home.path, wait_s=10):
        stages.run(ctx, STAGES)
