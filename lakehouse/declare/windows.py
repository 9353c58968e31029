"""Windows of time that end at the moment asked."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.declare.durations import DAY, Duration
from lakehouse.errors import DeclarationError

EXACT_UP_TO = Duration(30 * DAY, "30d")


@dataclass(frozen=True)
class Window:
    """The length of a window and its resolution: `edge` None is exact to the event."""

    length: Duration
    edge: Duration | None = None


@dataclass(frozen=True)
class Windows:
    """Several windows; `last("1h", "1d") + last("365d", edge="1d")` joins them."""

    windows: tuple[Window, ...]

    def __add__(self, other: Windows) -> Windows:
        return Windows(self.windows + other.windows)


def last(*lengths: str, edge: str | None = None) -> Windows:
    """Windows that end at the moment asked: [t - length, t).

    With an `edge` the window begins with the UTC tile of that size that holds t - length.
    Windows longer than 30 days need one.

    >>> [w.length.text for w in last("1h", "30d").windows]
    ['1h', '30d']
    """
    tile = Duration.parse(edge) if edge is not None else None
    windows = tuple(Window(Duration.parse(length), tile) for length in lengths)
    if not windows:
        raise DeclarationError("last() needs at least one length, as in last('7d').")
    for w in windows:
        if tile is None and w.length.us > EXACT_UP_TO.us:
            raise DeclarationError(
                f"Window '{w.length}' is longer than {EXACT_UP_TO}: name its resolution, as in "
                f"last('{w.length}', edge='1d')."
            )
        if tile is not None and tile.us > w.length.us:
            raise DeclarationError(f"Window '{w.length}' is shorter than its edge '{tile}'.")
    return Windows(windows)
