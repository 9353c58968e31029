"""An engine that hands every verb on to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from lakehouse.engines.protocol import (
    BoundView,
    Engine,
    Fitted,
    Frame,
    Landed,
    LandedFile,
    MapBatches,
    Transaction,
)
from lakehouse.storage.tables import TableRef


class Wrapped:
    """An engine as it is; mutants override the verb they get wrong."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def name(self) -> str:
        return self.engine.name

    def land(self, files: Sequence[LandedFile], columns: Sequence[str]) -> Landed:
        return self.engine.land(files, columns)

    def read(
        self,
        table: TableRef,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        return self.engine.read(table, version, columns, where)

    def from_arrow(self, table: Any) -> Frame:
        return self.engine.from_arrow(table)

    def to_arrow(self, frame: Frame) -> Any:
        return self.engine.to_arrow(frame)

    def batches(self, frame: Frame, by: Sequence[str]) -> Iterator[Any]:
        return self.engine.batches(frame, by)

    def columns(self, frame: Frame) -> list[str]:
        return self.engine.columns(frame)

    def query(self, sql: str, frames: Mapping[str, Frame]) -> Frame:
        return self.engine.query(sql, frames)

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        return self.engine.historical_features(spine, at, views)

    def map_arrow(self, frame: Frame, function: MapBatches, schema: Any) -> Frame:
        return self.engine.map_arrow(frame, function, schema)

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,
    ) -> Fitted:
        return self.engine.fit(estimator, frame, inputs, label, by, workers)

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        return self.engine.write(table, frame, mode, transaction, metadata, keys)
