"""What an engine must be able to do: the few verbs that zones, features and training use.

SQL given to an engine is portable Spark SQL. A frame is the engine's own lazy table; it is passed
back to the same engine only. Times are UTC with microseconds, decimals at most 18 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lakehouse import plugins
from lakehouse.declare.features import StoredView

if TYPE_CHECKING:
    import pyarrow as pa

    from lakehouse.storage.tables import TableRef

GROUP = "lakehouse.engines"
Frame = Any
"""An engine's own lazy table."""

MapBatches = Callable[[Iterator[Any]], Iterator[Any]]
"""A function from Arrow record batches to others, which a worker can be sent."""

TABLE_PROPERTIES = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}
"""Every table keeps its log and files until `lakehouse maintain` removes what nothing names."""


@dataclass(frozen=True)
class LandedFile:
    """One delivered file to read as text rows, and the delivery that it is."""

    path: Path
    delivery: str


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and why, with the place where known."""

    delivery: str
    reason: str


@dataclass(frozen=True)
class Transaction:
    """Delta's application transaction: applied once per (application, version)."""

    application: str
    version: int


@dataclass(frozen=True)
class BoundView:
    """A stored view with the rows it is computed from: a frame of its table's columns.

    The frame holds the entity keys, the event time, the columns the view uses and `_known_at`.
    """

    view: StoredView
    rows: Frame


@dataclass(frozen=True)
class Landed:
    """What `land` read: one frame of text rows, and the files it could not read.

    The frame has the wanted columns, further ones found, then `_unparsed` (the text of a line
    that does not parse, else null), `_delivery` and `_row` (from 1, in file order).
    `rows` counts rows per delivery; `found` names each delivery's own columns.
    """

    rows_frame: Frame
    rows: dict[str, int] = field(default_factory=dict)
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator, and on how many workers: with as many it comes out the same again."""

    estimator: Any
    workers: int


class Engine(Protocol):
    """The verbs. Implementations are entry points of the group `lakehouse.engines`."""

    @property
    def name(self) -> str: ...

    def land(self, files: Sequence[LandedFile], columns: Sequence[str]) -> Landed:
        """Read delivered files as text rows; a file that cannot be read hinders no other.

        `columns` are wanted: one that a file lacks is null. Its further columns are kept.
        """
        ...

    def read(
        self,
        table: TableRef,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        """Open a Delta table at a version (default: the newest), pruned by `where`."""
        ...

    def from_arrow(self, table: pa.Table) -> Frame: ...

    def to_arrow(self, frame: Frame) -> pa.Table: ...

    def batches(self, frame: Frame, by: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream a frame's rows in ascending order of some columns, nulls first.

        Rows that agree in these come in any order. However many there are, no more than some
        batches of them are held here.
        """
        ...

    def columns(self, frame: Frame) -> list[str]: ...

    def query(self, sql: str, frames: Mapping[str, Frame]) -> Frame:
        """Run portable Spark SQL over named frames."""
        ...

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        """Add every feature of the views as `view__name`, at each row's moment `at`.

        Every row of the spine comes back exactly once, with all its columns. Values use rows
        whose event time lies in the window and whose known time is not after the moment.
        """
        ...

    def map_arrow(self, frame: Frame, function: MapBatches, schema: pa.Schema) -> Frame:
        """Put a frame's rows through a function, where the rows are, batch by batch.

        The function is called for any number of parts of the rows, some perhaps empty, and gives
        batches of `schema`; every row comes to it once, in whatever batch. Its answer may be
        computed more than once. Raises QueryError for other columns than declared.
        """
        ...

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,
    ) -> Fitted:
        """Fit an XGBClassifier or XGBRegressor to a frame's rows, where the rows are.

        The estimator given is not changed. Inputs are taken as float32, null as missing. `by` are
        columns that tell rows apart: they place the rows, so that the same rows on as many workers
        give the same trees. Without `workers` all there are take part.
        """
        ...

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        """Commit once per transaction, and return the table's version after it.

        A transaction that the table has already seen changes nothing. A new column widens the
        table's schema. "merge" takes rows by `keys`, each key once: a row whose extra boolean
        column `_delete` is true removes the row of that key, another one replaces or adds it.
        A table that does not exist is made with `TABLE_PROPERTIES`. `metadata` stands in the
        commit's information.
        """
        ...


def load(name: str) -> Engine:
    """Load the engine of that name from its entry point; raises NotFound naming those there are."""
    engine: Engine = plugins.load(GROUP, "engine", name)()
    return engine
