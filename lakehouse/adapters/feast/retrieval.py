"""Feast's retrieval job over an Arrow table that is computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from lakehouse.adapters.feast import files
from lakehouse.errors import LakehouseError


class ArrowRetrievalJob(RetrievalJob):
    """One answer; `views` are the user's own on-demand views, which Feast computes itself."""

    def __init__(
        self,
        compute: Callable[[], pa.Table],
        repo_path: Path | None,
        full_feature_names: bool = False,
        views: Sequence[OnDemandFeatureView] = (),
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._compute = compute
        self._table: pa.Table | None = None
        self._repo_path = repo_path
        self._full_feature_names = full_feature_names
        self._views = list(views)
        self._metadata = metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002
        if self._table is None:
            self._table = self._compute()
        return self._table

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._to_arrow_internal(timeout).to_pandas()
        return frame

    @property
    def full_feature_names(self) -> bool:
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self._views

    @property
    def metadata(self) -> RetrievalMetadata | None:
        return self._metadata

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Write the answer to a file or a Delta table, whole or not at all."""
        if not isinstance(storage, SavedDatasetFileStorage):
            raise LakehouseError(
                f"An answer cannot be kept in {type(storage).__name__}; give a "
                "SavedDatasetFileStorage."
            )
        source = files.file_source(storage.to_data_source())
        place = files.place(source, self._repo_path)
        if place.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=str(place))
        files.write(source, place, self.to_arrow(timeout=timeout))
