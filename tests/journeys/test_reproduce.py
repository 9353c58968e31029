"""A registered version is rebuilt from its pins, whatever happened since."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakehouse.declare.compiled import from_data, to_data
from lakehouse.declare.durations import DAY
from lakehouse.registry.reproduce import reproduce
from lakehouse.sdk import stages
from lakehouse.zones.maintain import maintain
from tests.journeys.conftest import SMALL, lakehouse


def test_first_version_is_rebuilt_after_more_data_maintenance_ageing_and_loss(
    tmp_path: Path, open_context: Callable[[Path], Any]
) -> None:
    from feature_repo.payments_fraud.generator.deliveries import deliver

    home = tmp_path / "lake"
    options = SMALL | {"days": 90}
    lakehouse(home, "demo", "--no-serve", "--options", json.dumps(options | {"last_day": 59}))
    ctx = open_context(home)
    (model,) = ctx.domain.models
    pins = json.loads(ctx.records.select("SELECT pins FROM models WHERE version = 1")[0]["pins"])

    deliver(home / "landing" / "payments_fraud", **options)
    stages.run(ctx, stages.STAGES)
    _age(home, 60 * 86_400)
    maintain(ctx.home, ctx.records, keep_days=0)
    shutil.rmtree(home / "mlflow" / "artifacts")
    shutil.rmtree(home / "releases")
    shutil.rmtree(home / "online")

    done = reproduce(ctx, _edited(model), 1)
    assert done.digest_now == done.digest_recorded == pins["training_set_digest"]
    assert done.metrics_now == done.metrics_recorded


def _age(home: Path, seconds: int) -> None:
    """Make every commit and file look older than it is."""
    for path in (home / "tables").rglob("*"):
        if path.is_file():
            if path.suffix == ".json" and path.parent.name == "_delta_log":
                path.write_text(
                    "\n".join(_aged(line, seconds) for line in path.read_text().splitlines()) + "\n"
                )
            old = time.time() - seconds
            os.utime(path, (old, old))


def _aged(line: str, seconds: int) -> str:
    action = json.loads(line)
    for body in action.values():
        for key in ("timestamp", "modificationTime", "deletionTimestamp"):
            if isinstance(body, dict) and key in body:
                body[key] -= seconds * 1000
    return json.dumps(action)


def _edited(model: Any) -> Any:
    """The model as somebody declared it later: every window of seven days has six."""
    text = json.dumps(to_data(model))
    assert str(7 * DAY) in text
    return from_data(json.loads(text.replace(str(7 * DAY), str(6 * DAY))))
