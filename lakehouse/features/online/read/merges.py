"""How features come out of rows of slots: what each function merges, and the value it gives.

What a window holds comes in parts: rows of tiles, then rows of events, or events alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lakehouse.declare.features import Feature
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import ABSENT, ENTRY, Slot
from lakehouse.features.online.layout.stored_numbers import reader
from lakehouse.features.online.read.rows import Rows, Spread, float_sum
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION


class ValueOverflow(LakehouseError):
    """A sum does not fit the digits that the lake's numbers have."""


class Part(NamedTuple):
    """A range of rows, never empty, and whether they are tiles."""

    rows: Rows
    low: int
    high: int
    tiles: bool


class Placed(NamedTuple):
    """A slot, and where it stands in events and, if there, in tiles."""

    slot: Slot
    event: int
    tile: int

    def at(self, part: Part) -> int:
        return self.tile if part.tiles else self.event


Evaluate = Callable[[Sequence[Part]], Any]
"""From the parts of a window, at least one, to a value; a text comes as its number."""


def evaluator(feature: Feature, placed: Sequence[Placed], squares: Placed | None) -> Evaluate:
    """The function of a feature; `placed` are its slots, the value's before the count."""
    function = feature.aggregate.function if feature.aggregate is not None else ""
    if function in ("count", "sum"):
        return _total(feature, placed[0])
    if function == "mean":
        return _mean(*placed)
    if function == "std":
        return _std(placed[0], placed[1], squares)
    if function in ("min", "max"):
        return _extreme(feature, *placed)
    if function == "share":
        return _share(*placed)
    if function == "distinct":
        return _distinct(*placed)
    if function == "first":
        return _first(*placed)
    many = feature.many
    last = _last(many or 1, *placed)
    return last if many else lambda parts: next(iter(last(parts)), None)


def _sum(placed: Placed, parts: Sequence[Part]) -> int:
    if len(parts) == 1:
        rows, low, high, tiles = parts[0]
        return rows.total(placed.tile if tiles else placed.event, low, high)
    return sum([part.rows.total(placed.at(part), part.low, part.high) for part in parts])


def _rows(placed: Placed, parts: Sequence[Part]) -> int:
    """How many events there are."""
    if len(parts) == 1 and not parts[0].tiles:  # most reads come here
        _, low, high, _ = parts[0]
        return high - low
    return _sum(placed, parts)


def _real_sum(placed: Placed, parts: Sequence[Part]) -> float:
    sums = [part.rows.real_total(placed.at(part), part.low, part.high) for part in parts]
    return sums[0] if len(sums) == 1 else float_sum(sums)


def _total(feature: Feature, placed: Placed) -> Evaluate:
    slot = placed.slot
    if slot.real:
        return lambda parts: _real_sum(placed, parts)
    if slot.counts_all:
        return lambda parts: _rows(placed, parts)
    decimal = feature.kind == "decimal"
    room = f"{MAX_DECIMAL_PRECISION} digits" if decimal else "64 bits"
    limit = 10**MAX_DECIMAL_PRECISION if decimal else 2**63
    least = 1 - limit if decimal else -limit

    place = placed.event

    def total(parts: Sequence[Part]) -> Any:
        if len(parts) == 1 and not parts[0].tiles:  # most reads come here
            rows, low, high, _ = parts[0]
            found = rows.total(place, low, high)
        else:
            found = _sum(placed, parts)
        if not least <= found < limit:
            raise ValueOverflow(
                f"Feature '{feature.dotted}': a sum does not fit {room}; declare the column with a "
                "smaller scale, a shorter window, or as a float."
            )
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return total


def _mean(placed: Placed, counted: Placed) -> Evaluate:
    slot = placed.slot
    power: int = 10**slot.scale

    def mean(parts: Sequence[Part]) -> float | None:
        count = _sum(counted, parts)
        if not count:
            return None
        if slot.real:
            return _real_sum(placed, parts) / count
        # Python divides integers to the nearest float: rounded once, before the count.
        return _sum(placed, parts) / power / count

    return mean


def _std(placed: Placed, counted: Placed, squares: Placed | None) -> Evaluate:
    slot = placed.slot
    events = Spread(placed.event, counted.event, None, slot.real)
    tiles = Spread(placed.tile, counted.tile, squares.tile if squares else None, slot.real)
    power = float(10**slot.scale)

    def std(parts: Sequence[Part]) -> float | None:
        count = _sum(counted, parts)
        if count < 2:
            return None
        total = _real_sum(placed, parts) if slot.real else _sum(placed, parts)
        mean = total / count
        found = [
            part.rows.squares(tiles if part.tiles else events, mean, part.low, part.high)
            for part in parts
        ]
        # NaN stays NaN: it is not less than nothing.
        return math.sqrt(float_sum(found) / (count - 1)) / power

    return std


def _extreme(feature: Feature, placed: Placed, counted: Placed) -> Evaluate:
    slot, decimal = placed.slot, feature.kind == "decimal"
    least = slot.merged == "min"

    def real(parts: Sequence[Part]) -> float:
        of = [
            (part.rows.real_least if least else part.rows.real_greatest)(
                placed.at(part), part.low, part.high
            )
            for part in parts
        ]
        if least:  # NaN loses to all
            return min([value for value in of if value == value], default=math.nan)
        return math.nan if any(value != value for value in of) else max(of)

    def whole(parts: Sequence[Part]) -> int:
        of = [
            (part.rows.least if least else part.rows.greatest)(placed.at(part), part.low, part.high)
            for part in parts
        ]
        return min(of) if least else max(of)

    def extreme(parts: Sequence[Part]) -> Any:
        if not _sum(counted, parts):
            return None
        if slot.real:
            return real(parts)
        found = whole(parts)
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return extreme


def _share(counted: Placed, among: Placed) -> Evaluate:
    def share(parts: Sequence[Part]) -> float | None:
        all_rows = _sum(among, parts)
        return _sum(counted, parts) / all_rows if all_rows else None

    return share


def _distinct(placed: Placed, counted: Placed) -> Evaluate:
    def distinct(parts: Sequence[Part]) -> int:
        found: set[int] = set()
        for part in parts:
            counts = part.rows.numbers(counted.event, part.low, part.high)
            values = part.rows.numbers(placed.event, part.low, part.high)
            found.update(value for value, count in zip(values, counts, strict=True) if count)
        return len(found)

    return distinct


def _first(placed: Placed, counted: Placed) -> Evaluate:
    convert = _converter(placed.slot)

    def first(parts: Sequence[Part]) -> Any:
        for part in parts:
            if part.tiles:
                entries = _entries(placed, part)
                if entries:
                    return convert(min(entries, key=lambda e: e[:2])[2])
                continue
            counts = part.rows.numbers(counted.event, part.low, part.high)
            if 1 in counts:
                at = part.low + counts.index(1)
                return convert(part.rows.numbers(placed.event, at, at + 1)[0])
        return None

    return first


def _last(many: int, placed: Placed, counted: Placed) -> Evaluate:
    convert = _converter(placed.slot)

    def last(parts: Sequence[Part]) -> list[Any]:
        found: list[int] = []
        for part in reversed(parts):
            if part.tiles:
                # Those of equal times are of one tile, and stand there in the order of their keys.
                newest = sorted(_entries(placed, part), key=lambda e: (-e[0], -e[1]))
                found += [value for _, _, value in newest[: many - len(found)]]
                continue
            counts = part.rows.numbers(counted.event, part.low, part.high)
            at = len(counts)
            while at and len(found) < many:
                at -= 1
                if counts[at]:
                    here = part.low + at
                    found += part.rows.numbers(placed.event, here, here + 1)
        return [convert(number) for number in found]

    return last


def _entries(placed: Placed, part: Part) -> list[tuple[int, int, int]]:
    """The entries (event time, known time, value) that tiles hold, of each tile in its order."""
    found = []
    for number in range(placed.slot.many):
        at = placed.tile + number * ENTRY
        events, known, values = (
            part.rows.numbers(at + of, part.low, part.high) for of in (0, 1, 3)
        )
        found += [entry for entry in zip(events, known, values, strict=True) if entry[0] != ABSENT]
    return found


def _converter(slot: Slot) -> Callable[[int], Any]:
    if slot.kind is None or slot.texts:
        return int
    return reader(slot.kind, slot.scale)
