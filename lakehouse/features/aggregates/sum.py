"""Sum: what numbers add up to, exactly but for floats."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.layout.slots import Slot
from lakehouse.features.online.layout.stored_numbers import ValueOverflow
from lakehouse.features.online.read.parts import (
    Evaluate,
    Part,
    Places,
    SlotPlace,
    real_sum,
    whole_sum,
)
from lakehouse.features.online.read.rows import float_sum
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION


def total(feature: WindowedFeature, places: Places) -> Evaluate:
    """The sum of the first slot; raises ValueOverflow where it does not fit its kind."""
    placed = places.both(0)
    slot, place = placed.slot, placed.event
    if slot.real:
        return lambda parts: real_sum(placed, parts)
    if slot.counts_all:
        return lambda parts: _rows(placed, parts)
    decimal = feature.kind == "decimal"
    room = f"{MAX_DECIMAL_PRECISION} digits" if decimal else "64 bits"
    limit = 10**MAX_DECIMAL_PRECISION if decimal else 2**63
    least = 1 - limit if decimal else -limit

    def whole(parts: Sequence[Part]) -> Any:
        if len(parts) == 1 and not parts[0].tiles:  # most reads come here
            rows, low, high, _ = parts[0]
            found = rows.total(place, low, high)
        else:
            found = whole_sum(placed, parts)
        if not least <= found < limit:
            raise ValueOverflow(
                f"Feature '{feature.dotted}': a sum does not fit {room}; declare the column with a "
                "smaller scale, a shorter window, or as a float."
            )
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return whole


def _rows(place: SlotPlace, parts: Sequence[Part]) -> int:
    """How many events there are."""
    if len(parts) == 1 and not parts[0].tiles:  # most reads come here
        _, low, high, _ = parts[0]
        return high - low
    return whole_sum(place, parts)


def total_of(rows: ExplainedRows) -> Any:
    """The sum of the values of rows."""
    feature, values = rows.feature, rows.values
    if values and isinstance(values[0], float):
        return float_sum(values)
    if feature.kind == "decimal":
        return sum(values, Decimal(0).scaleb(-(feature.scale or 0)))
    return sum(values) if values or feature.kind != "float" else 0.0


def added_together(feature: WindowedFeature, slot: Slot, totals: list[int]) -> list[Any] | None:
    """The sums of many entities; None where one has too many digits."""
    if feature.kind != "decimal":
        return totals
    if max(map(abs, totals), default=0) >= 10**18:
        return None
    unit = Decimal(1).scaleb(-slot.scale)
    return [total * unit for total in totals]


FORM = Form(online=total, explained=total_of, together=added_together)
