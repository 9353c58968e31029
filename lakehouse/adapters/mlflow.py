"""MLflow: runs, models and their versions.

MLflow is imported when it is first used (5 s), not when this module is, and by this module and
its parts, `mlflow_model`, `mlflow_runs` and `mlflow_store`, alone. Everything goes through explicit
clients, so a notebook's own tracking URI and active run are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.adapters import mlflow_runs, mlflow_store
from lakehouse.errors import LakehouseError, NotFound

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of a registered model, as MLflow has it."""

    version: int
    run_id: str
    model_uri: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


class Tracking:
    """Runs and registered models of one lake.

    `folder` holds MLflow's SQLite store, `mlflow.db`, and `artifacts/`; both are made when first
    needed. `uri` names another tracking server or store instead, which then decides where
    artifacts lie. Any MLflow client reads it all with MLFLOW_TRACKING_URI set to `.uri`.
    """

    def __init__(self, folder: Path, uri: str | None = None) -> None:
        self._folder = folder.absolute()
        self._own = uri is None
        self.uri = uri or f"sqlite:///{self._folder / 'mlflow.db'}"

    def log_run(
        self,
        *,
        experiment: str,
        name: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        datasets: Sequence[tuple[str, str, str, int]],
        pictures: Mapping[str, bytes],
        model: bytes,
        inputs: Sequence[str],
        example: pd.DataFrame,
        files: Mapping[str, bytes],
    ) -> tuple[str, str]:
        """Log a training run with its model, and return (run id, model URI).

        `datasets` are (name, digest, source, rows), the source a Delta table's path. `pictures`
        are PNG bytes, kept as `pictures/<name>.png`, `files` bytes by their names. `model` is
        ONNX with one input tensor whose columns are `inputs` and one output "score"; a stock
        client predicts from a DataFrame of these columns as floats. A run that cannot be logged
        to its end is marked FAILED.
        """
        client = self._client
        run = client.create_run(
            self._experiment(experiment), run_name=name, tags={k: str(v) for k, v in tags.items()}
        )
        run_id = str(run.info.run_id)
        try:
            model_id = mlflow_runs.log_model(client, run, model, inputs, example)
            mlflow_runs.log_numbers(client, run, model_id, params, metrics)
            mlflow_runs.log_datasets(client, run_id, datasets)
            mlflow_runs.log_files(client, run_id, pictures, files)
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id, "FINISHED")
        return run_id, f"models:/{model_id}"

    def register(self, model_uri: str, name: str, tags: Mapping[str, str]) -> int:
        """Make a logged model the next version of a registered model; returns the version."""
        from mlflow.exceptions import MlflowException

        client = self._client
        try:
            client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            client.create_registered_model(name)
        logged = client.get_logged_model(model_uri.removeprefix("models:/"))
        made = client.create_model_version(
            name,
            # not model_uri, which MLflow would look up in the process's own tracking store
            source=logged.artifact_location,
            run_id=logged.source_run_id,
            tags={k: str(v) for k, v in tags.items()},
            model_id=logged.model_id,
        )
        # so that MLflow's page of the model links to the version
        link = json.dumps([{"name": name, "version": made.version}])
        client.set_logged_model_tags(logged.model_id, {"mlflow.modelVersions": link})
        return int(made.version)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let an alias such as "champion" name a version; raises NotFound if there is none."""
        known = [v.version for v in self.versions(name)]
        if version not in known:
            raise NotFound(
                f"MLflow has no version {version} of model '{name}'; it has: "
                f"{', '.join(map(str, known[:5])) or 'none'}. Train and register one first."
            )
        self._client.set_registered_model_alias(name, alias, str(version))

    def alias(self, name: str, alias: str) -> int | None:
        """The version an alias names, None where there is no such alias or model."""
        return next((v.version for v in self.versions(name) if alias in v.aliases), None)

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away; nothing happens where there is none."""
        if self.alias(name, alias) is not None:
            self._client.delete_registered_model_alias(name, alias)

    def versions(self, name: str) -> list[RegisteredVersion]:
        """A registered model's versions, newest first; none where it is not registered."""
        from mlflow.exceptions import MlflowException

        client = self._client
        try:
            aliases = client.get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return []
        found = []
        page = None
        while page is None or page.token:
            page = client.search_model_versions(
                f"name = '{name}'", page_token=page.token if page else None
            )
            found += page
        versions = [
            RegisteredVersion(
                version=int(v.version),
                run_id=str(v.run_id),
                model_uri=f"models:/{name}/{v.version}",
                tags=dict(v.tags),
                aliases=tuple(sorted(a for a, of in aliases.items() if int(of) == int(v.version))),
            )
            for v in found
        ]
        return sorted(versions, key=lambda v: -v.version)

    @cached_property
    def _client(self) -> Any:
        mlflow_store.load()
        from mlflow import MlflowClient

        if self._own:
            mlflow_store.make_store(self._folder)
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        place = (self._folder / "artifacts" / name).as_uri() if self._own else None
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name, artifact_location=place))
            except MlflowException as error:  # another process may have made it meanwhile
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise LakehouseError(
                        f"MLflow at {self.uri} cannot make the experiment '{name}': {error}"
                    ) from error
        if found.lifecycle_stage != "active":
            raise LakehouseError(
                f"The experiment '{name}' was deleted in MLflow; restore it with "
                f"'mlflow experiments restore -x {found.experiment_id}'."
            )
        return str(found.experiment_id)
