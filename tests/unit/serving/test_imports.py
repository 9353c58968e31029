"""What the service and the client load, by what is in sys.modules."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "pyspark",
    "mlflow",
    "feast",
    "pandas",
    "pyarrow",
    "duckdb",
    "deltalake",
    "sklearn",
    "xgboost",
    "skl2onnx",
    "onnx",
    "matplotlib",
    "sqlglot",
    "redis",
    "hiredis",
    "feature_repo",
}


def loaded(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(json.loads(said.stdout))


def test_the_service_loads_no_engine_and_no_training() -> None:
    modules = loaded("import serving.server")
    assert {m.split(".")[0] for m in modules} & HEAVY == set()
    assert {m for m in modules if m.startswith("lakehouse.")} & {
        "lakehouse.engines.embedded",
        "lakehouse.context",
        "lakehouse.zones",
        "lakehouse.training",
        "lakehouse.registry",
        "lakehouse.adapters",
        "lakehouse.sdk",
        "lakehouse.cli",
    } == set()


def test_the_client_loads_the_standard_library_alone() -> None:
    new = loaded("import lakehouse.client") - loaded("pass")
    own = {m for m in new if m.split(".")[0] in ("lakehouse", "serving")}
    assert own == {"lakehouse", "lakehouse.client"}
    strange = {m.split(".")[0] for m in new - own} - sys.stdlib_module_names
    assert strange == set()
