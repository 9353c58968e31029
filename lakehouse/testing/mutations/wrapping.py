"""An engine that hands every verb on to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lakehouse.engines.protocol import BoundView, Engine, Frame, Landed, LandedFile, Transaction


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
        table: Path,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        return self.engine.read(table, version, columns, where)

    def from_arrow(self, table: Any) -> Frame:
        return self.engine.from_arrow(table)

    def to_arrow(self, frame: Frame) -> Any:
        return self.engine.to_arrow(frame)

    def columns(self, frame: Frame) -> list[str]:
        return self.engine.columns(frame)

    def query(self, sql: str, frames: Mapping[str, Frame]) -> Frame:
        return self.engine.query(sql, frames)

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        return self.engine.historical_features(spine, at, views)

    def write(
        self,
        table: Path,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        return self.engine.write(table, frame, mode, transaction, metadata, keys)
