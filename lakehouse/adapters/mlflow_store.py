"""MLflow's own start: imported quietly, its SQLite store made at once or not at all."""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

MODULES = (
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
)


@cache
def load() -> None:
    """Import MLflow (5 s) with telemetry off, unless the environment says otherwise.

    On import MLflow 3.17 warns of its own type hints and of what SQLAlchemy 2.1 deprecates in
    it; neither is the user's to mend.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in MODULES:
            import_module(module)


def make_store(folder: Path) -> None:
    """Make MLflow's SQLite store in a folder, unless it is there.

    MLflow runs its migrations one by one, each synced to the disk: 4.3 to 6.9 s on two busy
    cores. Here they run on a file beside it, without syncing, which takes its name when whole:
    1.5 to 2.7 s, and a process killed on the way leaves no half-migrated store, which MLflow
    would refuse ever after. The schema is the same. (Creating the newest tables in one go is not
    to be had: those MLflow 3.17 declares cannot be created under SQLAlchemy 2.1.)
    """
    store = folder / "mlflow.db"
    if store.exists():
        return
    load()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def without_sync(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        draft = Path(scratch) / "mlflow.db"
        event.listen(Engine, "connect", without_sync)
        new_store: Any = SqlAlchemyStore
        try:
            made = new_store(f"sqlite:///{draft}", (folder / "artifacts").as_uri())
        finally:
            event.remove(Engine, "connect", without_sync)
        made.engine.dispose()
        with open(draft, "rb") as handle:
            os.fsync(handle.fileno())
        try:
            os.link(draft, store)  # unlike a rename, it never replaces another process's store
        except FileExistsError:
            return
