"""Feast's batch engine: declared views are materialised by the platform, others by Feast.

A declared view keeps the rows from which any moment is answered, so the range of time that Feast
names plays no part: its table's newest version is what the online store then holds. Where table
and declaration are as before nothing is done.
"""

from __future__ import annotations

from typing import Any

from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import (
    LocalComputeEngine,
    LocalComputeEngineConfig,
)
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.registry.base_registry import BaseRegistry

from lakehouse.adapters.feast import declarations
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import StoredView
from lakehouse.errors import LakehouseError
from lakehouse.features.online.write.materialise import materialise
from lakehouse.records import lock
from lakehouse.sdk import composition

LOCK_WAIT_S = 60.0


class LakehouseComputeEngineConfig(LocalComputeEngineConfig):
    """Settings of the batch engine, those of Feast's local one."""

    type: str = "lakehouse.adapters.feast.materialising.LakehouseComputeEngine"  # type: ignore[assignment]


class LakehouseComputeEngine(LocalComputeEngine):
    """Materialises; see the module."""

    def _materialize_one(
        self, registry: BaseRegistry, task: MaterializationTask, **options: Any
    ) -> LocalMaterializationJob:
        view = declarations.stored_view(task.feature_view)
        if view is None:
            job: LocalMaterializationJob = super()._materialize_one(registry, task, **options)
            return job
        name = f"{view.name}-{task.start_time}-{task.end_time}"
        try:
            self._materialise(declarations.domain_of(task.feature_view), view)
        except LakehouseError as error:
            return LocalMaterializationJob(name, MaterializationJobStatus.ERROR, error=error)
        return LocalMaterializationJob(name, MaterializationJobStatus.SUCCEEDED)

    def _materialise(self, domain: Domain, view: StoredView) -> None:
        home = composition.open_home()
        ctx = composition.open_context(home, domain, self.repo_config.offline_store.engine)
        with lock.writing(home.path, LOCK_WAIT_S):
            materialise(ctx, view)
