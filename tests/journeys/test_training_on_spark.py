"""A distributed fit: the same set, gate and release on both engines, and no set in the driver."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from feature_repo.payments_fraud.training import fraud, fraud_training
from lakehouse.context import Context
from lakehouse.declare import Distributed, Domain, Gate, Model, at_least
from lakehouse.engines.protocol import Engine, Frame
from lakehouse.registry.registering import Trained, train
from lakehouse.registry.reproduce import reproduce
from lakehouse.testing.mutations.wrapping import Wrapped


def trees() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=40, max_depth=4, learning_rate=0.2, tree_method="hist", n_jobs=2
    )


def model_called(name: str) -> Model:
    return Model(
        name,
        learns_from=fraud_training,
        fit=Distributed(trees),
        gate=Gate(at_least("average_precision", 0.5), at_least("roc_auc", 0.8)),
        rules=fraud.rules,
        group="card_id",
    )


HERE, THERE = model_called("fraud_here"), model_called("fraud_there")
DOMAIN = Domain("payments_fraud", description="Two models alike.", models=(fraud, HERE, THERE))


class Watched(Wrapped):
    """Notes how many rows came to this process at once."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.most = 0

    def to_arrow(self, frame: Frame) -> Any:
        rows = self.engine.to_arrow(frame)
        self.most = max(self.most, rows.num_rows)
        return rows


def pins(ctx: Context, model: Model) -> dict[str, Any]:
    (row,) = ctx.records.select(
        "SELECT pins FROM models WHERE model = ? AND version = 1", model.name
    )
    found: dict[str, Any] = json.loads(row["pins"])
    return found


def test_a_distributed_fit_passes_the_same_gate_on_both_engines(
    copy: Path, open_context: Callable[[Path], Any], spark: Engine
) -> None:
    ctx = replace(open_context(copy), domain=DOMAIN)
    watched = Watched(spark)
    on_spark = replace(ctx, engine=watched)
    here: Trained = train(ctx, HERE, ctx.clock(), seed=7)
    there: Trained = train(on_spark, THERE, ctx.clock(), seed=7)
    digests = [pins(ctx, model)["training_set_digest"] for model in (fraud, HERE, THERE)]
    assert digests == digests[:1] * 3
    assert (here.rows, here.champion) == (there.rows, there.champion) == (there.rows, True)
    assert abs(here.metrics["roc_auc"] - there.metrics["roc_auc"]) <= 0.01
    assert here.metrics["rows"] == there.metrics["rows"] == watched.most < there.rows
    assert (pins(ctx, HERE)["workers"], pins(ctx, THERE)["workers"]) == (1, 2)
    assert not list((copy / "staging").iterdir())
    assert not train(on_spark, THERE, ctx.clock(), seed=7).changed

    again = reproduce(on_spark, THERE)
    assert (again.same, again.notes) == (True, ())
    assert "add --engine spark" in " ".join(reproduce(ctx, THERE).notes)
