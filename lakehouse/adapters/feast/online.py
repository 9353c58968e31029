"""Feast's online store over a lake.

Declared views are read from the lake's online store at the lake's clock: a value is exact at the
moment of asking. Where request-time features are asked for, the whole answer is of the moment
that the request names. The user's own views have a table of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureService, FeatureView, utils
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.registry.base_registry import BaseRegistry
from feast.online_response import OnlineResponse
from feast.protos.feast.serving.ServingService_pb2 import GetOnlineFeaturesResponse
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.declared_online import (
    Clock,
    DeclaredOnline,
    Pushed,
    check_readable,
    entity_key,
)
from lakehouse.adapters.feast.online_request import Request
from lakehouse.adapters.feast.own_online import FeaturesAt, OwnOnline
from lakehouse.adapters.feast.values import feature_proto
from lakehouse.errors import LakehouseError
from lakehouse.sdk import composition
from lakehouse.times import moment


class LakehouseOnlineStoreConfig(FeastConfigBaseModel):
    """Settings of the online store; `path` is the file of the user's own views.

    A relative path is one below the repository; the default is feast/online.db in the lake.
    """

    type: Literal["lakehouse.adapters.feast.online.LakehouseOnlineStore"] = (
        "lakehouse.adapters.feast.online.LakehouseOnlineStore"
    )
    path: str | None = None


class LakehouseOnlineStore(OnlineStore):
    """Answers online features; see the module."""

    _own: OwnOnline | None = None

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[FeaturesAt]:
        """Features of entities now; an unknown entity has the values of one without events."""
        return self._read(config, table, entity_keys, requested_features, self.clock())

    def _read(
        self,
        config: RepoConfig,
        table: FeatureView,
        keys: list[EntityKey],
        features: list[str] | None,
        clock: Clock,
    ) -> list[FeaturesAt]:
        check_readable(table)
        view = declarations.stored_view(table)
        if view is None:
            own = self._own_online(config)
            return own.read(config.project, table.name, keys, table.ttl, composition.now())
        domain = declarations.domain_of(table)
        at_us = clock(domain.name)
        at = moment(at_us)
        wanted = [f for f in view.features if features is None or f.name in features]
        entities = [entity_key(view, key) for key in keys]
        found = self.declared.values(domain, view, entities, [at_us] * len(keys))
        return [
            (at, {f.name: feature_proto(f, values[f.full_name]) for f in wanted})
            for values in found
        ]

    def get_online_features(
        self,
        config: RepoConfig,
        features: list[str] | FeatureService,
        entity_rows: list[dict[str, Any]] | Mapping[str, Any],
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        include_feature_view_version_metadata: bool = False,
    ) -> OnlineResponse:
        """Feast's own way, but for declared request-time features; see the module."""
        request = Request.of(registry, project, features, full_feature_names)
        if request is None:
            return super().get_online_features(
                config,
                features,
                entity_rows,
                registry,
                project,
                full_feature_names,
                include_feature_view_version_metadata,
            )
        others: OnlineResponse | None = None
        if request.others:
            others = super().get_online_features(
                config, request.others, entity_rows, registry, project, full_feature_names=True
            )
        return request.answer(self.declared, self.clock(), entity_rows, others)

    def _read_features_per_fv(
        self,
        config: RepoConfig,
        grouped_refs: list[tuple[FeatureView, list[str]]],
        join_key_values: dict[str, list[Value]],
        entity_name_to_join_key_map: dict[str, str],
        online_features_response: GetOnlineFeaturesResponse,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Read each view once for each entity; Feast's own way fails where a key is null."""
        clock = self.clock()
        for table, features in grouped_refs:
            values = utils._get_table_entity_values(
                table, entity_name_to_join_key_map, join_key_values
            )
            places: dict[tuple[bytes, ...], list[int]] = {}
            keys: list[EntityKey] = []
            rows = list(zip(*values.values(), strict=True))
            for place, row in enumerate(rows):
                known = places.setdefault(tuple(v.SerializeToString() for v in row), [])
                if not known:
                    keys.append(EntityKey(join_keys=list(values), entity_values=row))
                known.append(place)
            utils._populate_response_from_feature_data(
                features,
                self._read(config, table, keys, features, clock),
                places.values(),
                online_features_response,
                full_feature_names,
                table,
                len(rows),
                include_feature_view_version_metadata,
            )

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Pushed],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Take rows: of a declared table into all its views, of a user's view as its latest."""
        rows_of = declarations.table_of_rows(table)
        if rows_of is not None:
            self.declared.push(declarations.domain_of(table), rows_of, data)
        elif declarations.stored_view(table) is not None:
            raise LakehouseError(
                f"View '{table.name}' is computed from its table's rows; push them to the table's "
                "'…_push' source, and set batch_engine as in the lakehouse's feature_store.yaml "
                "to materialise."
            )
        else:
            self._own_online(config).write(config.project, table.name, data)
        if progress is not None:
            progress(len(data))

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],  # noqa: ARG002
        entities_to_delete: Sequence[Entity],  # noqa: ARG002
        entities_to_keep: Sequence[Entity],  # noqa: ARG002
        partial: bool,  # noqa: ARG002
    ) -> None:
        """Forget the user's own views that are gone; declared views are the lake's to keep."""
        self._own_online(config).drop(config.project, [v.name for v in tables_to_delete])

    def teardown(
        self,
        config: RepoConfig,
        tables: Sequence[FeatureView],
        entities: Sequence[Entity],  # noqa: ARG002
    ) -> None:
        """Forget the user's own views; the lake keeps its own."""
        self._own_online(config).drop(config.project, [v.name for v in tables])

    async def close(self) -> None:
        if "declared" in self.__dict__:
            self.declared.close()
        if self._own is not None:
            self._own.close()

    def clock(self) -> Clock:
        """The lakes' clocks, which stand still for one answer; read where a lake is needed."""
        return cache(lambda domain: self.declared.clock_us(domain))

    @cached_property
    def declared(self) -> DeclaredOnline:
        """The lake's own online stores."""
        return DeclaredOnline(composition.open_home())

    def _own_online(self, config: RepoConfig) -> OwnOnline:
        if self._own is None:
            given = config.online_store.path
            path = composition.home_folder() / "feast" / "online.db"
            if given is not None:
                path = Path(config.repo_path or ".") / given
            self._own = OwnOnline(path, config.entity_key_serialization_version)
        return self._own
