"""The folder of an ONNX model as MLflow's own `onnx` flavour lays it out.

`mlflow.onnx.save_model` writes the same files, but reads the metadata of every installed package
before, to compare versions that are taken from there: half a second for each model.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SERVING = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas")
"""What a process needs to load a logged model; pinned to the versions it was logged with."""

ONE_THREAD = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
"""One thread adds up trees in one order, as the service does."""

MODEL, EXAMPLE, SERVED_EXAMPLE = "model.onnx", "input_example.json", "serving_input_example.json"
CONDA, VIRTUALENV, REQUIREMENTS = "conda.yaml", "python_env.yaml", "requirements.txt"


def write_folder(
    folder: Path, description: Any, model: bytes, inputs: Sequence[str], example: pd.DataFrame
) -> None:
    """Write an ONNX model with its signature, an example and its environment into a folder.

    `description` is the `mlflow.models.Model` that says where it will lie and whose it is; it
    becomes the file MLmodel. The signature has the named inputs as doubles, and the score.
    """
    import mlflow.pyfunc

    folder.mkdir(parents=True)
    (folder / MODEL).write_bytes(model)
    description.signature = _signature(inputs)
    description.saved_input_example_info = _write_example(folder, inputs, example)
    mlflow.pyfunc.add_to_model(
        description,
        loader_module="mlflow.onnx",
        data=MODEL,
        conda_env=CONDA,
        python_env=VIRTUALENV,
    )
    description.add_flavor(
        "onnx",
        onnx_version=package_version("onnx"),
        data=MODEL,
        providers=["CPUExecutionProvider"],
        onnx_session_options=ONE_THREAD,
        code=None,
    )
    description.model_size_bytes = sum(file.stat().st_size for file in folder.iterdir())
    description.save(str(folder / "MLmodel"))
    _write_environment(folder)


def _signature(inputs: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    return ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in inputs]),
        outputs=Schema([ColSpec("float", "score")]),
    )


def _write_example(folder: Path, inputs: Sequence[str], example: pd.DataFrame) -> dict[str, str]:
    """Write rows as MLflow reads them, and as its server is asked; what MLmodel says of both."""
    rows = example[list(inputs)].astype("float64").to_numpy().tolist()
    split = {"columns": list(inputs), "data": rows}
    (folder / EXAMPLE).write_text(json.dumps(split))
    (folder / SERVED_EXAMPLE).write_text(json.dumps({"dataframe_split": split}, indent=2))
    return {
        "artifact_path": EXAMPLE,
        "pandas_orient": "split",
        "serving_input_path": SERVED_EXAMPLE,
        "type": "dataframe",
    }


def _write_environment(folder: Path) -> None:
    """Write what a process needs to load the model, in the forms of conda, virtualenv and pip."""
    import yaml

    packages = [f"{name}=={package_version(name)}" for name in SERVING]
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={platform.python_version()}", "pip", {"pip": packages}],
    }
    virtualenv = {
        "python": platform.python_version(),
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": [f"-r {REQUIREMENTS}"],
    }
    (folder / CONDA).write_text(yaml.safe_dump(conda))
    (folder / VIRTUALENV).write_text(yaml.safe_dump(virtualenv, sort_keys=False))
    (folder / REQUIREMENTS).write_text("\n".join(packages))
