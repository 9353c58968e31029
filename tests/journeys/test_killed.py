"""kill -9 at any moment of a run: the next run ends as an undisturbed one does."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from feature_repo.payments_fraud.deliveries import deliver
from lakehouse.records.home import Home
from lakehouse.sdk import composition, stages
from tests.journeys.agreement import payments_lake, stored
from tests.journeys.conftest import SMALL, environment

KILLS = 20
WORLD = SMALL | {"customers": 60}
STAGES = ("raw", "cleaned", "curated", "features")
CHILD = """
import sys
from lakehouse.sdk import composition, stages
from lakehouse.records.lock import writing
import lakehouse.zones.curated, lakehouse.features.online.write.materialise, lakehouse.zones.raw
home = composition.open_home(sys.argv[1])
ctx = composition.open_context(home, "payments_fraud")
print("begin", flush=True)
with writing(home.path, wait_s=10):
    stages.run(ctx, sys.argv[2].split(","))
"""


def test_twenty_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw = random.Random(9)
    disturbed = payments_lake(tmp_path / "disturbed")
    killed = 0
    for turn in range(KILLS):
        # Three more days each turn, so that every run has something to do.
        _deliver(disturbed, last_day=3 * turn + 2)
        killed += _run_and_kill(disturbed, after=draw.uniform(0.0, 1.6))
    assert killed >= KILLS // 2, "the runs ended before they could be killed; kill earlier"

    undisturbed = payments_lake(tmp_path / "undisturbed")
    _deliver(undisturbed, last_day=3 * KILLS - 1)
    contexts = [composition.open_context(h, "payments_fraud") for h in (disturbed, undisturbed)]
    for ctx in contexts:
        stages.run(ctx, STAGES)
    assert stored(contexts[0]) == stored(contexts[1])


def _deliver(home: Home, last_day: int) -> None:
    deliver(home.landing("payments_fraud"), **(WORLD | {"last_day": last_day}))


def _run_and_kill(home: Home, after: float) -> bool:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home.path), ",".join(STAGES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begin\n"
    time.sleep(after)
    child.kill()
    _, said = child.communicate(timeout=60)
    assert child.returncode in (0, -9), said.decode()
    return child.returncode == -9
