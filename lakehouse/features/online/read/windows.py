"""A FeatureView's features at a moment, from the rows that the online store keeps.

What counts at a moment is what counts in `lakehouse.testing.oracle`: events of the window that
are known. A window with an edge, and one of all that was, is merged from tiles up to the last one
that the window's end has passed, and from events after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from lakehouse.declare.features import (
    AnyWindow,
    EverWindow,
    FeatureView,
    RowsWindow,
    StoredView,
    Window,
    WindowedFeature,
)
from lakehouse.features.aggregates import form_of
from lakehouse.features.online.layout.kinds import StoredDifferently
from lakehouse.features.online.layout.slots import (
    BEGINNING,
    EVENT,
    LastRows,
    Slot,
    WindowLayout,
    counted_slot,
    slots_of,
    tile_slots_of,
)
from lakehouse.features.online.read.parts import Evaluate, Part, Places
from lakehouse.features.online.read.rows import Rows, visible_rows
from lakehouse.features.online.stores.protocol import Span

Values = dict[str, Any]
Columns = dict[str, list[Any]]
"""Values of several moments, by the names of features."""
Evaluated = tuple[WindowedFeature, Evaluate]
LookUp = Callable[[Iterable[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Group:
    """A window and the features over it."""

    window: AnyWindow
    features: tuple[Evaluated, ...]

    @cached_property
    def named(self) -> tuple[tuple[str, Evaluate], ...]:
        """The features by full name."""
        return tuple((feature.full_name, evaluate) for feature, evaluate in self.features)

    def begin(self, end: int) -> int:
        """The first event time of the window."""
        begin = self.window.begin_us(end)
        return BEGINNING if begin is None else begin


@dataclass(frozen=True)
class RowsGroup:
    """So many last rows, and the features over them; `place` is where a row says that it counts."""

    last: LastRows
    place: int | None
    features: Group

    def position(self, rows: Rows, high: int) -> int:
        """Where the last so many of the first rows begin."""
        if self.place is None:
            return max(high - self.last.rows, 0)
        return rows.position_of_last(self.place, self.last.rows, high)

    def counted(self, rows: Rows) -> int:
        """How many rows count."""
        return rows.size if self.place is None else rows.total(self.place, 0, rows.size)


class Extent(NamedTuple):
    """How many rows are seen, and how far back the first of the last rows lies that are needed.

    `reach_us` is None where there are fewer than are needed.
    """

    rows: int
    reach_us: int | None


class WindowAnswers:
    """One view's features, from stored rows of this layout."""

    def __init__(self, view: FeatureView, layout: WindowLayout) -> None:
        self.layout = layout
        self._view = view
        self._slots: dict[str, tuple[tuple[Slot, ...], tuple[int, ...]]] = {}
        self.delay_us = view.delay_us
        exact: dict[AnyWindow, list[Evaluated]] = {}
        edged: dict[AnyWindow, list[Evaluated]] = {}
        rows: dict[LastRows, list[Evaluated]] = {}
        for feature in view.features:
            window = feature.window
            tiled = window.tiled and self._has_tiles(window)
            if window.tiled and not tiled:
                raise _differently(view, f"no tiles of {window} for '{feature.name}'")
            evaluated = feature, _evaluate(view, feature, layout, tiled)
            if window.rows is not None:
                last = LastRows(window.rows, counted_slot(feature.aggregate))
                rows.setdefault(last, []).append(evaluated)
            else:
                (edged if tiled else exact).setdefault(window, []).append(evaluated)
        self.exact = [Group(window, tuple(features)) for window, features in exact.items()]
        self.edged = [Group(window, tuple(features)) for window, features in edged.items()]
        self.rows = [self._of_rows(last, features) for last, features in rows.items()]
        self._furthest = _furthest(self.exact)
        self._furthest_edged = _furthest(self.edged)
        self._ever = any(isinstance(group.window, EverWindow) for group in self.edged)
        self._defaults = defaults_of(view)
        self.texts = [
            (f.full_name, f.many is not None) for f in view.features if f.kind == "string"
        ]
        self._lists = [f.full_name for f in view.features if f.many is not None]
        self._empty: Values = {f.full_name: _empty(f) for f in view.features} | self._defaults

    def slots_and_places(
        self, feature: WindowedFeature
    ) -> tuple[tuple[Slot, ...], tuple[int, ...]]:
        """A feature's slots, and where they stand in an event's row."""
        if feature.full_name not in self._slots:
            slots = slots_of(self._view, feature.aggregate)
            places = tuple(self.layout.place(slot) for slot in slots)
            self._slots[feature.full_name] = slots, places
        return self._slots[feature.full_name]

    def needed(self, at_us: int, reach_us: int | None = None) -> tuple[Span, ...]:
        """The rows that a moment needs: events, and for a view with edges tiles.

        The last rows are looked for as far back as `reach_us`, None for any age.
        """
        spans = self.whole(at_us)
        if self.rows:
            _, first_us, end = spans[0]
            first_us = BEGINNING if reach_us is None else min(first_us, end - reach_us)
            spans = (("event", first_us, end), *spans[1:])
        if self._ever:
            spans = (spans[0], ("tile", BEGINNING, spans[1][2]))
        return spans

    def whole(self, at_us: int) -> tuple[Span, ...]:
        """The same of the windows of a length of time alone: of this time every row is needed."""
        end = at_us - self.delay_us
        begins = [group.begin(end) for group in self._furthest]
        if not self.edged:
            return (("event", min(begins, default=end), end),)
        last = self._last_tile(end)
        begins.append(last)
        first_tile = min((group.begin(end) for group in self._furthest_edged), default=last)
        return ("event", min(begins), end), ("tile", min(first_tile, last), last)

    def extent(self, at_us: int, chunks: Sequence[Sequence[bytes]]) -> Extent:
        """What chunks of events hold of the last rows that a moment needs."""
        end = at_us - self.delay_us
        rows = visible_rows(b"".join(chunks[0]), self.layout.width, end, at_us)
        if any(group.counted(rows) < group.last.rows for group in self.rows):
            return Extent(rows.size, None)
        first = min(group.position(rows, rows.size) for group in self.rows)
        return Extent(rows.size, end - rows.numbers(EVENT, first, first + 1)[0])

    def lacks(self) -> bool:
        """Whether what is kept of any age is less than the windows of rows and of all need."""
        layout = self.layout
        wanted = [group.last for group in self.rows]
        held = [any(kept.holds(last) for kept in layout.last_rows) for last in wanted]
        return not all(held) or (self._ever and not layout.ever)

    def empty(self) -> Values:
        """The features of an entity without rows."""
        found = self._empty.copy()
        for name in self._lists:
            found[name] = []
        return found

    def values(self, at_us: int, chunks: Sequence[Sequence[bytes]]) -> Values:
        """The features at a moment by full name, from chunks of all that is needed.

        A text is still the number that stands for it; `with_texts` puts it in its place.
        """
        answer = self.empty()
        end = at_us - self.delay_us
        rows = visible_rows(b"".join(chunks[0]), self.layout.width, end, at_us)
        high = rows.size
        for group in self.exact:
            low = rows.position(group.begin(end))
            if low < high:
                self._evaluate(group, [Part(rows, low, high, False)], answer)
        for of_rows in self.rows:
            low = of_rows.position(rows, high)
            if low < high:
                self._evaluate(of_rows.features, [Part(rows, low, high, False)], answer)
        if self.edged:
            last = self._last_tile(end)
            tiles = visible_rows(b"".join(chunks[1]), self.layout.tile_width, last, at_us)
            begun = rows.position(last)
            for group in self.edged:
                parts = _parts(tiles, group.begin(end), rows, begun, high)
                if parts:
                    self._evaluate(group, parts, answer)
        return answer

    def with_texts(self, values: Values, look_up: LookUp) -> Values:
        """The values with texts in the place of the numbers that stand for them."""
        numbers: set[int] = set()
        for name, many in self.texts:
            value = values[name]
            if many:
                numbers.update(value)
            elif type(value) is int:
                numbers.add(value)
        if numbers:
            found = look_up(numbers)
            for name, many in self.texts:
                value = values[name]
                if many:
                    values[name] = [found[number] for number in value]
                elif type(value) is int:
                    values[name] = found[value]
        return values

    def _of_rows(self, last: LastRows, features: list[Evaluated]) -> RowsGroup:
        slot = last.counted
        if slot is not None and slot not in self.layout.slots:
            raise _differently(self._view, f"no rows counted for '{features[0][0].name}'")
        place = None if slot is None else self.layout.place(slot)
        return RowsGroup(last, place, Group(RowsWindow(last.rows), tuple(features)))

    def _evaluate(self, group: Group, parts: Sequence[Part], answer: Values) -> None:
        for name, evaluate in group.named:
            value = evaluate(parts)
            answer[name] = self._defaults.get(name) if value is None else value

    def _has_tiles(self, window: AnyWindow) -> bool:
        """Whether tiles serve a window: its edge is one of theirs, or all of them are in it."""
        tile_us = self.layout.tile_us
        if tile_us is None or self.layout.delay_us != self.delay_us:
            return False
        return isinstance(window, EverWindow) or window.edge_us % tile_us == 0

    def _last_tile(self, end: int) -> int:
        tile_us = self.layout.tile_us or 1
        return end // tile_us * tile_us


def _parts(tiles: Rows, begin: int, rows: Rows, begun: int, high: int) -> list[Part]:
    low = tiles.position(begin)
    parts = [Part(tiles, low, tiles.size, True)] if low < tiles.size else []
    # A window shorter than the time since the last tile begins among the events.
    first = max(begun, rows.position(begin))
    if first < high:
        parts.append(Part(rows, first, high, False))
    return parts


def _furthest(groups: Sequence[Group]) -> list[Group]:
    """Of each edge the longest window of time: one of them begins first, whatever the moment."""
    longest: dict[int, tuple[int, Group]] = {}
    for group in groups:
        window = group.window
        if isinstance(window, Window):
            known = longest.get(window.edge_us)
            if known is None or window.length.us > known[0]:
                longest[window.edge_us] = window.length.us, group
    return [group for _, group in longest.values()]


def _evaluate(
    view: FeatureView, feature: WindowedFeature, layout: WindowLayout, tiled: bool
) -> Evaluate:
    """The function from the parts of a window to a feature's value."""
    aggregate = feature.aggregate
    slots = slots_of(view, aggregate)
    _check(view, feature, slots, layout.slots)
    tile_slots = tile_slots_of(view, aggregate) if tiled else ()
    _check(view, feature, tile_slots, layout.tile_slots)
    places = Places(
        [(slot, layout.place(slot)) for slot in slots],
        [(slot, layout.tile_place(slot)) for slot in tile_slots],
    )
    return form_of(aggregate.function).online(feature, places)


def _check(
    view: FeatureView, feature: WindowedFeature, slots: Sequence[Slot], there: Sequence[Slot]
) -> None:
    for slot in slots:
        if slot not in there:
            raise _differently(view, f"no {slot.merged} for '{feature.name}'")


def _differently(view: FeatureView, lacks: str) -> StoredDifferently:
    return StoredDifferently(
        f"View '{view.name}': the online store was filled for another declaration of it and has "
        f"{lacks}; materialise the view as it is declared here, or serve a model of the "
        "declaration that was materialised."
    )


def defaults_of(view: StoredView) -> Values:
    """The constants that stand for null, by full name."""
    return {f.full_name: f.default_value for f in view.features if f.default is not None}


def _empty(feature: WindowedFeature) -> Any:
    """The value over a window without rows, as the function's facts say."""
    if feature.aggregate.facts.of_nothing != "zero":
        return None
    if feature.kind == "decimal":
        return Decimal(0).scaleb(-(feature.scale or 0))
    return 0.0 if feature.kind == "float" else 0
