"""A FeatureView's features at a moment, from the rows that the online store keeps.

What counts at a moment is what counts in `lakehouse.testing.oracle`: events of the window that
are known. A window with an edge is merged from tiles up to the last one that the window's end
has passed, and from events after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehouse.declare.contract import MAX_DECIMAL_PRECISION
from lakehouse.declare.features import Aggregate, Feature, FeatureView
from lakehouse.errors import LakehouseError
from lakehouse.features.online_layout import FIRST_SLOT, Slot, WindowLayout, slots_of
from lakehouse.features.online_rows import Rows, visible_rows

Values = dict[str, Any]
Evaluate = Callable[[Rows, int, int], Any]


class StoredDifferently(LakehouseError):
    """The rows in the online store do not hold what a view needs."""


class ValueOverflow(LakehouseError):
    """A sum does not fit the digits that the lake's numbers have."""


@dataclass(frozen=True)
class Span:
    """Event times from `begin` up to, without, `end`."""

    begin: int
    end: int


@dataclass(frozen=True)
class _Window:
    """A window and the features over it; `edge_us` is 1 for a window exact to the event."""

    length_us: int
    edge_us: int
    features: tuple[tuple[str, Evaluate], ...]

    def begin(self, end: int) -> int:
        return (end - self.length_us) // self.edge_us * self.edge_us


class WindowAnswers:
    """One view's features, from stored rows of this layout."""

    def __init__(self, view: FeatureView, layout: WindowLayout) -> None:
        self._layout = layout
        self._delay_us = 0 if view.delay is None else view.delay.us
        self.empty: Values = {f.full_name: _empty(f) for f in view.features}
        exact: dict[tuple[int, int], list[tuple[str, Evaluate]]] = {}
        edged: dict[tuple[int, int], list[tuple[str, Evaluate]]] = {}
        for feature in view.features:
            aggregate, window = feature.aggregate, feature.window
            if aggregate is None or window is None:
                raise LakehouseError(f"Feature '{feature.dotted}' has no window.")
            edge_us = 1 if window.edge is None else window.edge.us
            group = edged if self._has_tiles(edge_us) else exact
            evaluate = _evaluate(view, feature, aggregate, layout)
            group.setdefault((window.length.us, edge_us), []).append((feature.full_name, evaluate))
        self._exact = [_Window(*key, tuple(features)) for key, features in exact.items()]
        self._edged = [_Window(*key, tuple(features)) for key, features in edged.items()]
        self._furthest = _furthest(self._exact)
        self._furthest_edged = _furthest(self._edged)

    def events_needed(self, at_us: int) -> Span:
        """The event times that single events are needed of."""
        end = at_us - self._delay_us
        begins = [window.begin(end) for window in self._furthest]
        if self._edged:
            begins.append(self._last_tile(end))
        return Span(min(begins), end)

    def tiles_needed(self, at_us: int) -> Span | None:
        """The times that tiles are needed of; None for a view without edges."""
        if not self._edged:
            return None
        end = at_us - self._delay_us
        return Span(
            min([window.begin(end) for window in self._furthest_edged]), self._last_tile(end)
        )

    def values(self, at_us: int, events: Sequence[bytes], tiles: Sequence[bytes] = ()) -> Values:
        """The features at a moment by full name, from chunks that hold all that is needed."""
        found = self.empty.copy()
        width = self._layout.width
        end = at_us - self._delay_us
        rows = visible_rows(b"".join(events), width, end, at_us)
        _merge(self._exact, rows, end, found)
        if self._edged:
            last = self._last_tile(end)
            whole = visible_rows(b"".join(tiles), width, last, at_us)
            begun = rows.between(rows.position(last), rows.size)
            both = whole.between(0, whole.size) + begun
            _merge(self._edged, visible_rows(both, width, end, at_us), end, found)
        return found

    def _has_tiles(self, edge_us: int) -> bool:
        """Whether tiles serve a window of this edge; single events always do."""
        tile_us = self._layout.tile_us
        same_delay = self._layout.delay_us == self._delay_us
        return tile_us is not None and same_delay and edge_us % tile_us == 0

    def _last_tile(self, end: int) -> int:
        tile_us = self._layout.tile_us or 1
        return end // tile_us * tile_us


def _furthest(windows: Sequence[_Window]) -> list[_Window]:
    """Of each edge the longest window: one of them begins first, whatever the moment."""
    longest: dict[int, _Window] = {}
    for window in windows:
        known = longest.get(window.edge_us)
        if known is None or window.length_us > known.length_us:
            longest[window.edge_us] = window
    return list(longest.values())


def _merge(windows: Sequence[_Window], rows: Rows, end: int, found: Values) -> None:
    high = rows.size
    for window in windows:
        low = rows.position(window.begin(end))
        if low < high:
            for name, evaluate in window.features:
                found[name] = evaluate(rows, low, high)


def _evaluate(
    view: FeatureView, feature: Feature, aggregate: Aggregate, layout: WindowLayout
) -> Evaluate:
    """The function from a range of rows, never empty, to a feature's value."""
    slots = slots_of(view, aggregate)
    for slot in slots:
        if slot not in layout.slots:
            raise StoredDifferently(
                f"View '{view.name}': the online store was filled for another declaration of it "
                f"and has no {slot.merged} for '{feature.name}'; materialise the view as it is "
                "declared here, or serve a model of the declaration that was materialised."
            )
    places = [FIRST_SLOT + layout.slots.index(slot) for slot in slots]
    if aggregate.function == "mean":
        return _mean(slots[0], places[0], places[1])
    if aggregate.function in ("min", "max"):
        return _extreme(slots[0], places[0], places[1], feature.kind == "decimal")
    return _total(slots[0], places[0], feature)


def _total(slot: Slot, place: int, feature: Feature) -> Evaluate:
    if slot.real:
        return lambda rows, low, high: rows.real_total(place, low, high)
    decimal = feature.kind == "decimal"
    room = f"{MAX_DECIMAL_PRECISION} digits" if decimal else "64 bits"
    limit = 10**MAX_DECIMAL_PRECISION if decimal else 2**63
    least = 1 - limit if decimal else -limit

    def total(rows: Rows, low: int, high: int) -> Any:
        found = rows.total(place, low, high)
        if not least <= found < limit:
            raise ValueOverflow(
                f"Feature '{feature.dotted}': a sum does not fit {room}; declare the column with a "
                "smaller scale, a shorter window, or as a float."
            )
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return total


def _mean(slot: Slot, place: int, counted: int) -> Evaluate:
    power: int = 10**slot.scale

    def mean(rows: Rows, low: int, high: int) -> float | None:
        count = rows.total(counted, low, high)
        if not count:
            return None
        if slot.real:
            return rows.real_total(place, low, high) / count
        # Python divides integers to the nearest float: rounded once, before the count.
        return rows.total(place, low, high) / power / count

    return mean


def _extreme(slot: Slot, place: int, counted: int, decimal: bool) -> Evaluate:
    least = slot.merged == "min"

    def extreme(rows: Rows, low: int, high: int) -> Any:
        if not rows.total(counted, low, high):
            return None
        if slot.real:
            return (rows.real_least if least else rows.real_greatest)(place, low, high)
        found = (rows.least if least else rows.greatest)(place, low, high)
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return extreme


def _empty(feature: Feature) -> Any:
    """The value over a window without rows: counts and sums are 0, the others null."""
    function = feature.aggregate.function if feature.aggregate else None
    if function not in ("count", "sum"):
        return None
    if feature.kind == "decimal":
        return Decimal(0).scaleb(-(feature.scale or 0))
    return 0.0 if feature.kind == "float" else 0
