"""Runs and models as any MLflow client sees them; one store for the module, as it takes seconds."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from lakehouse.adapters.mlflow import RegisteredVersion, Tracking
from lakehouse.adapters.mlflow_model import SERVING, write_folder
from lakehouse.adapters.mlflow_store import make_store
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.training.onnx import OnnxScorer, to_onnx

INPUTS = ("amount", "spend.mean_7d", "spend__count_7d")
NAME = "payments.fraud"
DIGEST = "0123456789abcdef" * 4


def frame(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(200, 3)), columns=list(INPUTS)).astype("float32")


def fitted(seed: int) -> bytes:
    X = frame(seed)
    forest = RandomForestClassifier(5, random_state=seed)
    return to_onnx(forest.fit(X, X["amount"] > X["spend.mean_7d"]), INPUTS)


@dataclass(frozen=True)
class Logged:
    """One store with two versions of a model."""

    folder: Path
    tracking: Tracking
    model: bytes
    run_id: str
    model_uri: str


def log(tracking: Tracking, model: bytes, **changes: Any) -> tuple[str, str]:
    settings: dict[str, Any] = {
        "experiment": "payments",
        "name": "fraud as of 2018-08-15",
        "params": {"seed": 7, **{f"table cleaned.t{i}": i for i in range(120)}},
        "metrics": {"roc_auc": 0.87, "log_loss": float("nan")},
        "tags": {"code_version": "abc"},
        "datasets": [("fraud_training", DIGEST, "/lake/tables/training/fraud", 200)],
        "pictures": {"roc": b"\x89PNG picture"},
        "model": model,
        "inputs": INPUTS,
        "example": frame(9).head(2),
        "files": {"pins.json": b"{}", "rows/first.csv": b"a,b\n"},
    }
    return tracking.log_run(**{**settings, **changes})


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("lake") / "mlflow"
    tracking = Tracking(folder)
    model = fitted(0)
    run_id, model_uri = log(tracking, model)
    tracking.register(model_uri, NAME, {"digest": DIGEST})
    _, second = log(tracking, fitted(1))
    tracking.register(second, NAME, {"digest": "other"})
    return Logged(folder, tracking, model, run_id, model_uri)


def client(tracking: Tracking) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking.uri)


def test_stock_client_predicts_with_the_champion_what_the_scorer_gives(
    logged: Logged, tmp_path: Path
) -> None:
    logged.tracking.set_alias(NAME, "champion", 1)
    asked = frame(5).astype("float64")
    asked.loc[3, "amount"] = np.nan
    asked.to_parquet(tmp_path / "asked.parquet")
    code = (
        "import json, sys, mlflow, pandas as pd\n"
        f"model = mlflow.pyfunc.load_model('models:/{NAME}@champion')\n"
        "asked = pd.read_parquet('asked.parquet')[['spend__count_7d', 'amount', 'spend.mean_7d']]\n"
        "print(json.dumps(model.predict(asked)['score'].tolist()))\n"
        "print(json.dumps([m for m in ('lakehouse', 'skl2onnx') if m in sys.modules]))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
    environment["MLFLOW_TRACKING_URI"] = logged.tracking.uri
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    scores, ours = map(json.loads, done.stdout.splitlines())
    assert scores == OnnxScorer(logged.model).score(asked.to_numpy()).tolist()
    assert len(set(scores)) > 3
    assert ours == []
    assert sorted(os.listdir(tmp_path)) == ["asked.parquet"]


def test_run_keeps_what_it_was_given(logged: Logged) -> None:
    run = client(logged.tracking).get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "fraud as of 2018-08-15"
    assert run.data.params["seed"] == "7"
    assert len(run.data.params) == 121
    assert run.data.metrics["roc_auc"] == 0.87
    assert np.isnan(run.data.metrics["log_loss"])
    assert run.data.tags["code_version"] == "abc"
    assert [o.model_id for o in run.outputs.model_outputs] == [
        logged.model_uri.removeprefix("models:/")
    ]


def test_data_set_is_named_by_its_table_and_whole_digest(logged: Logged) -> None:
    (entry,) = client(logged.tracking).get_run(logged.run_id).inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("fraud_training", DIGEST[:36])
    assert json.loads(entry.dataset.source) == {"path": "/lake/tables/training/fraud"}
    assert json.loads(entry.dataset.profile) == {"num_rows": 200, "digest": DIGEST}


def test_pictures_and_files_lie_below_the_folder(logged: Logged) -> None:
    run = client(logged.tracking).get_run(logged.run_id)
    artifacts = logged.folder / "artifacts" / "payments" / logged.run_id / "artifacts"
    assert run.info.artifact_uri == artifacts.as_uri()
    found = {str(p.relative_to(artifacts)): p.read_bytes() for p in artifacts.rglob("*.*")}
    assert found == {
        "pictures/roc.png": b"\x89PNG picture",
        "pins.json": b"{}",
        "rows/first.csv": b"a,b\n",
    }


def test_model_is_kept_without_pickle_and_pinned_to_exact_versions(logged: Logged) -> None:
    model_id = logged.model_uri.removeprefix("models:/")
    folder = logged.folder / "artifacts" / "payments" / "models" / model_id / "artifacts"
    names = sorted(p.name for p in folder.iterdir())
    assert [n for n in names if n.endswith((".pkl", ".pickle", ".joblib", ".data"))] == []
    required = (folder / "requirements.txt").read_text().split()
    assert required == [f"{name}=={package_version(name)}" for name in SERVING]
    assert OnnxScorer((folder / "model.onnx").read_bytes()).inputs == INPUTS


def test_folder_of_a_model_holds_what_mlflow_itself_would_write(tmp_path: Path) -> None:
    import mlflow.onnx
    import onnx
    from mlflow.models import Model

    model, example = fitted(0), frame(9).head(2).astype("float64")
    example.loc[0, "amount"] = np.nan
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def description() -> Model:
        # moments of its own would tell the two apart
        return Model(run_id="r", utc_time_created="2018-08-15 00:00:00", model_uuid="m")

    made = description()
    write_folder(ours, made, model, INPUTS, example)
    mlflow.onnx.save_model(
        onnx.load_from_string(model),
        str(theirs),
        mlflow_model=description(),
        signature=made.signature,
        input_example=example,
        pip_requirements=[f"{name}=={package_version(name)}" for name in SERVING],
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        save_as_external_data=False,
    )

    expected = {path.name: path.read_text("latin-1") for path in theirs.iterdir()}
    assert expected == {path.name: path.read_text("latin-1") for path in ours.iterdir()}


def test_versions_are_listed_newest_first_with_tags_and_aliases(logged: Logged) -> None:
    logged.tracking.set_alias(NAME, "champion", 1)
    newest, first = logged.tracking.versions(NAME)
    assert first == RegisteredVersion(
        1, logged.run_id, f"models:/{NAME}/1", {"digest": DIGEST}, ("champion",)
    )
    assert (newest.version, newest.tags, newest.aliases) == (2, {"digest": "other"}, ())


def test_alias_moves_and_goes(logged: Logged) -> None:
    tracking = logged.tracking
    tracking.set_alias(NAME, "candidate", 1)
    tracking.set_alias(NAME, "candidate", 2)
    assert tracking.alias(NAME, "candidate") == 2
    tracking.delete_alias(NAME, "candidate")
    tracking.delete_alias(NAME, "candidate")
    assert tracking.alias(NAME, "candidate") is None
    assert tracking.alias("nobody", "candidate") is None
    assert tracking.versions("nobody") == []


def test_alias_of_a_version_that_is_not_there_is_refused_with_those_that_are(
    logged: Logged,
) -> None:
    with pytest.raises(NotFound, match=r"no version 9 of model 'payments\.fraud'; it has: 2, 1"):
        logged.tracking.set_alias(NAME, "champion", 9)


def test_run_that_breaks_off_is_marked_failed(logged: Logged) -> None:
    with pytest.raises(KeyError, match="amount"):
        log(logged.tracking, logged.model, name="broken", example=pd.DataFrame({"other": [1.0]}))
    (experiment,) = {client(logged.tracking).get_run(logged.run_id).info.experiment_id}
    found = client(logged.tracking).search_runs([experiment], "run_name = 'broken'")
    assert [run.info.status for run in found] == ["FAILED"]


def test_deleted_experiment_is_refused_with_how_to_restore_it(logged: Logged) -> None:
    log(logged.tracking, logged.model, experiment="gone")
    mlflow = client(logged.tracking)
    mlflow.delete_experiment(mlflow.get_experiment_by_name("gone").experiment_id)
    with pytest.raises(LakehouseError, match="mlflow experiments restore"):
        log(logged.tracking, logged.model, experiment="gone")


def test_second_tracking_opens_the_same_store_and_leaves_the_process_alone(
    logged: Logged,
) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    again = Tracking(logged.folder)
    assert [v.version for v in again.versions(NAME)] == [2, 1]
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


def test_store_is_whole_at_once_and_never_replaced(logged: Logged) -> None:
    store = logged.folder / "mlflow.db"
    inode = store.stat().st_ino
    make_store(logged.folder)
    assert store.stat().st_ino == inode
    assert sorted(p.name for p in logged.folder.iterdir()) == ["artifacts", "mlflow.db"]
    with sqlite3.connect(store) as connection:
        (check,) = connection.execute("PRAGMA integrity_check").fetchone()
        (place,) = connection.execute(
            "SELECT artifact_location FROM experiments WHERE name = 'Default'"
        ).fetchone()
    connection.close()
    assert check == "ok"
    assert place == f"{(logged.folder / 'artifacts').as_uri()}/0"


def content(folder: Path) -> list[str]:
    """All statements that make a store as it is, but for where its artifacts lie and times."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute(
            "UPDATE experiments SET artifact_location = '', creation_time = 0, last_update_time = 0"
        )
        return list(connection.iterdump())


def test_store_is_migrated_once_for_all_lakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import alembic.command

    migrated = []
    upgrade = alembic.command.upgrade
    monkeypatch.setattr(
        alembic.command, "upgrade", lambda *given: (migrated.append(given), upgrade(*given))
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for lake in ("first", "second"):
        make_store(tmp_path / lake)
    assert len(migrated) == 1
    assert content(tmp_path / "first") == content(tmp_path / "second")


def test_store_is_made_where_none_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_store(tmp_path / "lake")
    assert any("Default" in line for line in content(tmp_path / "lake"))


def test_importing_the_adapter_does_not_load_mlflow() -> None:
    code = "import sys, lakehouse.adapters.mlflow; print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
