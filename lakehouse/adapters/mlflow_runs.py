"""What a run in MLflow consists of: model, numbers, data sets, files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.adapters.mlflow_model import write_folder

if TYPE_CHECKING:
    import pandas as pd

LONGEST_DIGEST = 36
"""MLflow keeps so many characters of a data set's digest; the whole one is in its profile."""

MOST_PARAMS = 100
"""MLflow takes so many parameters at once."""


def log_model(
    client: Any, run: Any, model: bytes, inputs: Sequence[str], example: pd.DataFrame
) -> str:
    """Log an ONNX model as the run's output, with a signature of named columns; its model id."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    run_id = run.info.run_id
    logged = client.create_logged_model(run.info.experiment_id, name="model", source_run_id=run_id)
    description = Model(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        run_id=run_id,
        model_id=logged.model_id,
    )
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            write_folder(folder, description, model, inputs, example)
            client.log_model_artifacts(logged.model_id, str(folder))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)


def log_numbers(
    client: Any,
    run: Any,
    model_id: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
) -> None:
    """Log parameters of a run, and metrics of the run and its model."""
    from mlflow.entities import Metric, Param

    at = run.info.start_time
    measured = [Metric(k, float(v), at, 0, model_id=model_id) for k, v in metrics.items()]
    given = [Param(key, str(value)) for key, value in params.items()]
    client.log_batch(run.info.run_id, metrics=measured)
    for first in range(0, len(given), MOST_PARAMS):
        client.log_batch(run.info.run_id, params=given[first : first + MOST_PARAMS])


def log_datasets(client: Any, run_id: str, datasets: Sequence[tuple[str, str, str, int]]) -> None:
    """Name the data sets a run learnt from: (name, digest, path of a Delta table, rows)."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_inputs(
        run_id,
        [
            DatasetInput(
                Dataset(
                    name=name,
                    digest=digest[:LONGEST_DIGEST],
                    source_type="delta_table",
                    source=json.dumps({"path": source}),
                    profile=json.dumps({"num_rows": rows, "digest": digest}),
                ),
                [InputTag("mlflow.data.context", "training")],
            )
            for name, digest, source, rows in datasets
        ],
    )


def log_files(
    client: Any, run_id: str, pictures: Mapping[str, bytes], files: Mapping[str, bytes]
) -> None:
    """Keep PNG pictures as `pictures/<name>.png`, and files by their names."""
    with tempfile.TemporaryDirectory() as folder:
        named = {f"pictures/{name}.png": png for name, png in pictures.items()} | dict(files)
        for name, content in named.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)
