"""Any Delta reader opens every table, and any MLflow client the champion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable


def test_plain_deltalake_opens_every_table_with_features_both_engines_know(
    demo: tuple[Path, str],
) -> None:
    tables = sorted((demo[0] / "tables").glob("*/*/*/_delta_log"))
    assert len(tables) >= 9
    for log in tables:
        table = DeltaTable(str(log.parent))
        protocol = table.protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) <= (1, 2), log
        assert not protocol.reader_features
        assert table.to_pyarrow_table().num_rows == table.count()


def test_stock_mlflow_client_loads_the_champion_and_predicts(demo: tuple[Path, str]) -> None:
    home = demo[0]
    script = """
import json, sys
import mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model("models:/payments_fraud.fraud@champion")
names = model.metadata.get_input_schema().input_names()
frame = pd.DataFrame([[1.0] * len(names), [300.0] * len(names)], columns=names)
print(json.dumps([float(v) for v in model.predict(frame)["score"]]))
"""
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout.splitlines()[-1])

    from lakehouse.training.onnx import OnnxScorer

    scorer = OnnxScorer((home / "releases/payments_fraud/fraud/1/model.onnx").read_bytes())
    width = len(scorer.inputs)
    assert scores == pytest.approx(list(scorer.score([[1.0] * width, [300.0] * width])), abs=1e-7)
