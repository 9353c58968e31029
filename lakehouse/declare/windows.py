"""Windows that end at the moment asked: lengths of time, numbers of rows, and all that was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lakehouse.declare.calls import declares
from lakehouse.declare.durations import DAY, Duration
from lakehouse.errors import DeclarationError, described

EXACT_UP_TO = Duration(30 * DAY, "30d")
MOST_ROWS = 1_000
"""The most rows that a window is counted in."""


@dataclass(frozen=True)
class Window:
    """A length of time and its resolution: `edge` None is exact to the event."""

    length: Duration
    edge: Duration | None = None

    @property
    def label(self) -> str:
        """What the names of features over it end with."""
        return self.length.text

    @property
    def rows(self) -> int | None:
        """How many rows it holds at most, None where that is not bounded."""
        return None

    @property
    def edge_us(self) -> int:
        """The resolution of its beginning, 1 where it is exact to the event."""
        return 1 if self.edge is None else self.edge.us

    @property
    def reach_us(self) -> int | None:
        """How long before its end it may begin, None where that is not bounded."""
        return self.length.us + (0 if self.edge is None else self.edge.us)

    @property
    def tiled(self) -> bool:
        """Whether an online store keeps of it tiles, that hold what rows of a time make together.

        A function that needs every value does not go over such a window.
        """
        return self.edge is not None

    def begin_us(self, end_us: int) -> int | None:
        """The earliest event time of the window that ends then, None where any may count."""
        begin = end_us - self.length.us
        return begin if self.edge is None else begin // self.edge.us * self.edge.us

    def __str__(self) -> str:
        edge = "" if self.edge is None else f", edge='{self.edge}'"
        return f"last('{self.length}'{edge})"


@dataclass(frozen=True)
class RowsWindow:
    """The last rows of the entity before the moment, in the order (event time, known time, key).

    Rows that fulfil the aggregate's `where` are counted, whether its column is null or not.
    """

    rows: int

    @property
    def label(self) -> str:
        """What the names of features over it end with."""
        return f"{self.rows}_rows"

    @property
    def edge_us(self) -> int:
        """It is exact to the event."""
        return 1

    @property
    def reach_us(self) -> int | None:
        """Its rows may be of any age."""
        return None

    @property
    def tiled(self) -> bool:
        """Rows are told apart, which those of a tile are not."""
        return False

    def begin_us(self, end_us: int) -> int | None:  # noqa: ARG002
        """Its rows may be of any age."""
        return None

    def __str__(self) -> str:
        return f"last(rows={self.rows})"


@dataclass(frozen=True)
class EverWindow:
    """All that happened before the moment."""

    @property
    def label(self) -> str:
        """What the names of features over it end with."""
        return "ever"

    @property
    def rows(self) -> int | None:
        """It holds any number of rows."""
        return None

    @property
    def edge_us(self) -> int:
        """It is exact to the event."""
        return 1

    @property
    def reach_us(self) -> int | None:
        """Its rows may be of any age."""
        return None

    @property
    def tiled(self) -> bool:
        """An entity's whole past is kept as tiles, for it is not bounded."""
        return True

    def begin_us(self, end_us: int) -> int | None:  # noqa: ARG002
        """It has no beginning."""
        return None

    def __str__(self) -> str:
        return "ever()"


AnyWindow = Window | RowsWindow | EverWindow


@dataclass(frozen=True)
class Windows:
    """Several windows; `last("1h", "1d") + last("365d", edge="1d")` joins them."""

    windows: tuple[AnyWindow, ...]

    def __add__(self, other: Windows) -> Windows:
        return Windows(self.windows + other.windows)


@declares("last('1d', '7d')")
def last(*lengths: str, edge: str | None = None, rows: int | None = None) -> Windows:
    """Windows that end at the moment asked: [t - length, t), or the last `rows` before t.

    With an `edge` the window begins with the UTC tile of that size that holds t - length.
    Windows longer than 30 days need one. `rows`, 1 to 1,000, stands alone.

    >>> [w.label for w in (last("1h", "30d") + last(rows=20)).windows]
    ['1h', '30d', '20_rows']
    """
    if rows is not None:
        return Windows((_last_rows(rows, lengths, edge),))
    tile = Duration.parse(edge) if edge is not None else None
    windows = tuple(Window(Duration.parse(length), tile) for length in lengths)
    if not windows:
        raise DeclarationError(
            "last() needs at least one length, as in last('7d'), or rows, as in last(rows=20)."
        )
    for w in windows:
        if tile is None and w.length.us > EXACT_UP_TO.us:
            raise DeclarationError(
                f"Window '{w.length}' is longer than {EXACT_UP_TO}: name its resolution, as in "
                f"last('{w.length}', edge='1d')."
            )
        if tile is not None and tile.us > w.length.us:
            raise DeclarationError(f"Window '{w.length}' is shorter than its edge '{tile}'.")
    return Windows(windows)


def _last_rows(rows: int, lengths: tuple[str, ...], edge: str | None) -> RowsWindow:
    if lengths or edge is not None:
        with_edge = "" if edge is None else f", edge='{edge}'"
        listed = ", ".join(f"'{length}'" for length in lengths) or "'7d'"
        raise DeclarationError(
            "A window is of a length of time or of so many rows; join two of them, as in "
            f"last({listed}{with_edge}) + last(rows={rows!r})."
        )
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= MOST_ROWS:
        raise DeclarationError(
            f"last(rows={described(rows)}): a window holds 1 to {MOST_ROWS} rows, as in "
            "last(rows=20)."
        )
    return RowsWindow(rows)


@declares("ever()")
def ever() -> Windows:
    """The window of all that happened before the moment asked, whatever its age.

    >>> [w.label for w in ever().windows]
    ['ever']
    """
    return Windows((EverWindow(),))


def least(begins: Iterable[int | None]) -> int | None:
    """Return the earliest of some beginnings, None where one of them has none."""
    found = list(begins)
    known = [begin for begin in found if begin is not None]
    return min(known) if len(known) == len(found) else None


def furthest(reaches: Iterable[int | None]) -> int | None:
    """Return the longest of some reaches, None where one of them is not bounded."""
    found = list(reaches)
    known = [reach for reach in found if reach is not None]
    return max(known) if len(known) == len(found) else None
