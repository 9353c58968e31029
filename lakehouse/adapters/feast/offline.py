"""Feast's offline store over a lake.

Declared views are answered by the platform's point-in-time join, on the engine that the store's
settings name; the user's own views by a join over their files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from feast import FeatureView, OnDemandFeatureView
from feast.data_source import DataSource
from feast.infra.offline_stores.offline_store import (
    OfflineStore,
    RetrievalJob,
    RetrievalMetadata,
)
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from lakehouse.adapters.feast import declarations, files, pushed_rows
from lakehouse.adapters.feast.declared_features import Wanted, answers
from lakehouse.adapters.feast.entity_rows import EntityRows, Naming, by_view, called
from lakehouse.adapters.feast.joined import Joined, join
from lakehouse.adapters.feast.pulled import pull
from lakehouse.adapters.feast.retrieval import ArrowRetrievalJob
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT


class LakehouseOfflineStoreConfig(FeastConfigBaseModel):
    """Settings of the offline store; `engine` is the one that joins declared views."""

    type: Literal["lakehouse.adapters.feast.offline.LakehouseOfflineStore"] = (
        "lakehouse.adapters.feast.offline.LakehouseOfflineStore"
    )
    engine: str = "embedded"


class LakehouseOfflineStore(OfflineStore):
    """Answers historical features; see the module."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **_range: Any,
    ) -> RetrievalJob:
        """Add the features to the entity rows, each as it was known at its row's moment."""
        if not isinstance(entity_df, pd.DataFrame):
            raise LakehouseError(
                "This offline store answers for entity rows in a DataFrame, not for a query or a "
                "range of time; give entity_df a DataFrame with keys and moments."
            )
        rows = EntityRows.of(entity_df)
        wanted = by_view(feature_refs)
        asked = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        declared, own = _declared([*feature_views, *asked], wanted)
        own_stored = [view for view in own if not isinstance(view, OnDemandFeatureView)]

        only_created = filter_by_created_timestamp

        def compute() -> pa.Table:
            found = answers(rows, declared, config.offline_store.engine)
            found |= _joined(rows, own_stored, wanted, config.repo_path, only_created)
            table = rows.table
            naming = Naming(table.column_names, wanted, full_feature_names)
            for view, features in wanted.items():
                for feature in features:
                    if (view, feature) in found:
                        name = naming.of(view, feature)
                        table = table.append_column(name, found[view, feature])
            return table

        first, last = rows.bounds
        return ArrowRetrievalJob(
            compute,
            config.repo_path,
            full_feature_names,
            [view for view in own if isinstance(view, OnDemandFeatureView)],
            RetrievalMetadata(
                feature_refs, [c for c in rows.table.column_names if c != rows.at], first, last
            ),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """The last row of each entity in a range of time."""
        return _pulled(
            config,
            data_source,
            [*join_key_columns, *feature_name_columns],
            timestamp_field,
            created_timestamp_column,
            (start_date, end_date),
            latest_of=join_key_columns,
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """All rows of a range of time."""
        return _pulled(
            config,
            data_source,
            [*join_key_columns, *feature_name_columns],
            timestamp_field,
            created_timestamp_column,
            (start_date, end_date),
        )

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Add rows to a view's source; those of a declared table land as a delivery of its."""
        rows_of = declarations.table_of_rows(feature_view)
        if rows_of is not None:
            pushed_rows.land(declarations.domain_of(feature_view), rows_of, table)
        elif declarations.stored_view(feature_view) is not None:
            raise LakehouseError(
                f"View '{feature_view.name}' is computed from its table; push rows of the table "
                "to its '…_push' source instead."
            )
        else:
            source = files.file_source(feature_view.batch_source)
            files.append(source, files.place(source, config.repo_path), table)
        if progress is not None:
            progress(table.num_rows)

    def validate_data_source(self, config: RepoConfig, data_source: DataSource) -> None:
        """Nothing for a declared table, which may be made later; else that its file is there."""
        source = files.file_source(data_source)
        if declarations.TABLE not in source.tags:
            files.dataset(source, config.repo_path)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """A source's columns; of a declared table those that are pushed, as declared."""
        source = files.file_source(data_source)
        table = pushed_rows.declared_table(source)
        if table is not None:
            return pushed_rows.columns_pushed(table)
        schema = files.dataset(source, config.repo_path).schema
        return [(field.name, str(field.type)) for field in schema]


def _declared(
    views: Sequence[FeatureView | OnDemandFeatureView], wanted: dict[str, list[str]]
) -> tuple[list[Wanted], list[Any]]:
    """Declared views with the features asked for, and the user's own views."""
    declared: list[Wanted] = []
    own: list[Any] = []
    for view in views:
        requested = isinstance(view, OnDemandFeatureView)
        found = declarations.request_view(view) if requested else declarations.stored_view(view)
        if found is None:
            own.append(view)
            continue
        name = called(view)
        declared.append(
            Wanted(
                name,
                declarations.domain_of(view).name,
                found,
                tuple(wanted.get(name, ())),
                tuple(sorted(view.projection.join_key_map.items())),
            )
        )
    return declared, own


def _joined(
    rows: EntityRows,
    views: Sequence[FeatureView],
    wanted: dict[str, list[str]],
    repo_path: Path | None,
    only_created_by_then: bool,
) -> dict[tuple[str, str], pa.ChunkedArray]:
    found: dict[tuple[str, str], pa.ChunkedArray] = {}
    if not views:
        return found
    with files.connection() as db:
        for number, view in enumerate(views):
            source = files.file_source(view.batch_source)
            files.relation(db, f"view_{number}", source, repo_path)
            of_table = declarations.table_of_rows(view) is not None
            name = called(view)
            asked = Joined(
                rows=f"view_{number}",
                keys=_keys(rows, view),
                features=wanted[name],
                event_time=source.timestamp_field,
                # Rows of declared tables count from when they were known, always.
                created=KNOWN_AT if of_table else source.created_timestamp_column or None,
                ttl=view.ttl,
                only_created_by_then=of_table or only_created_by_then,
            )
            joined = join(db, rows.table, rows.at, asked)
            found |= {(name, feature): joined.column(feature) for feature in wanted[name]}
    return found


def _keys(rows: EntityRows, view: FeatureView) -> dict[str, str]:
    """The column of the entity rows for each of a view's keys."""
    renamed = view.projection.join_key_map
    keys = {c.name: renamed.get(c.name, c.name) for c in view.entity_columns}
    keys.pop("__dummy_id", None)
    missing = [given for given in keys.values() if given not in rows.table.column_names]
    if missing:
        raise LakehouseError(
            f"View '{view.name}' needs {', '.join(missing)} in the entity rows, which have "
            f"{', '.join(rows.table.column_names)}."
        )
    return keys


def _pulled(
    config: RepoConfig,
    data_source: DataSource,
    columns: Sequence[str],
    event_time: str,
    created: str | None,
    between: tuple[datetime | None, datetime | None],
    latest_of: Sequence[str] = (),
) -> RetrievalJob:
    source = files.file_source(data_source)

    def compute() -> pa.Table:
        return pull(
            files.dataset(source, config.repo_path),
            columns,
            event_time,
            created or None,
            between,
            latest_of,
        )

    return ArrowRetrievalJob(compute, config.repo_path)
