"""kill -9 at any moment of a run: the next run ends as an undisturbed one does."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from feature_repo.payments_fraud.deliveries import deliver
from lakehouse.records.home import Home
from lakehouse.sdk import composition, stages
from lakehouse.zones.balance import balance
from lakehouse.zones.digest import digest
from tests.journeys.conftest import SMALL, environment

KILLS = 20
WORLD = SMALL | {"customers": 60}
STAGES = ("raw", "cleaned", "curated", "features")
NOT_CONTENT = {"_batch", "_arrived_at"}
"""Which run took a row in and when: the only columns that a crash may change."""

CHILD = """
import sys
from lakehouse.sdk import composition, stages
from lakehouse.records.lock import writing
import lakehouse.zones.curated, lakehouse.features.materialise, lakehouse.zones.raw
home = composition.open_home(sys.argv[1])
ctx = composition.open_context(home, "payments_fraud")
print("begin", flush=True)
with writing(home.path, wait_s=10):
    stages.run(ctx, sys.argv[2].split(","))
"""


def test_twenty_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw = random.Random(9)
    disturbed = _lake(tmp_path / "disturbed")
    killed = 0
    for turn in range(KILLS):
        # Three more days each turn, so that every run has something to do.
        _deliver(disturbed, last_day=3 * turn + 2)
        killed += _run_and_kill(disturbed, after=draw.uniform(0.0, 1.6))
    assert killed >= KILLS // 2, "the runs ended before they could be killed; kill earlier"

    undisturbed = _lake(tmp_path / "undisturbed")
    _deliver(undisturbed, last_day=3 * KILLS - 1)
    for home in (disturbed, undisturbed):
        ctx = composition.open_context(home, "payments_fraud")
        stages.run(ctx, STAGES)
        for table in ctx.domain.cleaned:
            assert balance(ctx, table).holds, table.name
    assert _digests(disturbed) == _digests(undisturbed)


def _lake(path: Path) -> Home:
    home = Home.create(path, "data")
    landing = home.landing("payments_fraud")
    (landing / "payments").mkdir(parents=True)
    header = "payment_id,card_id,terminal_id,amount_eur,paid_at\n"
    (landing / "payments" / "corrections.csv").write_text(
        header
        + "X1,C1,T1,10.00,2018-04-02T00:00:00Z\n"
        + "X1,C1,T1,10.00,2018-04-02T00:00:00Z\n"
        + "X1,C1,T1,11.00,2018-04-02T00:00:00Z\n"
        + "X2,C1,T1,-1.00,2018-04-31T00:00:00Z\n"
        + "X3,C1\n"
    )
    return home


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


def _digests(home: Home) -> dict[str, Any]:
    ctx = composition.open_context(home, "payments_fraud")
    found: dict[str, Any] = {}
    for log in sorted((home.path / "tables").glob("*/*/*/_delta_log")):
        table = ctx.engine.to_arrow(ctx.engine.read(log.parent))
        if "_reasons" in table.column_names:
            texts = [json.dumps(reasons) for reasons in table["_reasons"].to_pylist()]
            table = table.drop_columns("_reasons").append_column(
                "reasons", pa.array(texts, pa.string())
            )
        columns = [c for c in sorted(table.column_names) if c not in NOT_CONTENT]
        keys = [c for c in ("_delivery", "_row", "payment_id") if c in columns]
        found[str(log.parent.relative_to(home.path))] = digest(table, keys, columns)
    for view in ctx.domain.stored_views:
        found[view.name] = _online(ctx, view)
    return found


def _online(ctx: Any, view: Any) -> list[dict[str, Any]]:
    from lakehouse import Lake

    lake = Lake(ctx.home.path)
    entities = ctx.engine.to_arrow(ctx.read(view.of))[view.by.keys[0]].unique().to_pylist()
    return [
        lake.online_features("payments_fraud", view.name, {view.by.keys[0]: entity}, ctx.clock())
        for entity in sorted(entities)[:20]
    ]
