"""MLflow's own start: imported quietly, its SQLite store made at once or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from lakehouse import user_cache

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

    It is made beside its place, and takes its name when whole: a process killed on the way leaves
    no half-migrated store, which MLflow would refuse ever after.
    """
    store = folder / "mlflow.db"
    if store.exists():
        return
    load()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        draft = Path(scratch) / "mlflow.db"
        _make(draft, (folder / "artifacts").as_uri())
        with suppress(FileExistsError):
            os.link(draft, store)  # unlike a rename, it never replaces another process's store


def _make(draft: Path, artifacts: str) -> None:
    """Make a store at a path where nothing is, with its default experiment.

    MLflow runs its migrations one by one, each synced to the disk: 4.3 to 6.9 s on two busy cores,
    1.5 to 2.7 s without syncing. An empty store that was migrated before is a copy: it is kept for
    all lakes of a user. (Creating the newest tables in one go is not to be had: those MLflow 3.17
    declares cannot be created under SQLAlchemy 2.1.)
    """
    empty = user_cache.folder("mlflow") / f"mlflow-{package_version('mlflow')}.db"
    if not empty.exists():
        _opened(draft, artifacts)
        with suppress(OSError):  # no place to keep it: the next store is migrated as well
            _keep(draft, empty)
    else:
        shutil.copyfile(empty, draft)
        _opened(draft, artifacts)
    with open(draft, "rb") as handle:
        os.fsync(handle.fileno())


def _opened(draft: Path, artifacts: str) -> None:
    """Have MLflow open a store without syncing: it migrates it and makes what is not there."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def without_sync(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", without_sync)
    new_store: Any = SqlAlchemyStore
    try:
        made = new_store(f"sqlite:///{draft}", artifacts)
    finally:
        event.remove(Engine, "connect", without_sync)
    made.engine.dispose()


def _keep(draft: Path, empty: Path) -> None:
    """Keep a store without experiments, whose artifacts lie in one lake."""
    from sqlalchemy import create_engine, text

    empty.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=empty.parent) as scratch:
        copied = Path(scratch) / empty.name
        shutil.copyfile(draft, copied)
        engine = create_engine(f"sqlite:///{copied}")
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM experiments"))
        engine.dispose()
        os.replace(copied, empty)
