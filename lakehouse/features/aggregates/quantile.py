"""Quantile: the value at a place among all, in their order; NaN is greater than every number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.read.parts import Evaluate, Part, Places, value_reader
from lakehouse.language.expressions.values import ordered


def _share(feature: WindowedFeature) -> Fraction:
    """The share that a feature is of, as it is written."""
    return Fraction(str(feature.aggregate.argument))


def _place(share: Fraction, many: int) -> int:
    """Where among so many values the quantile stands, from 0 on."""
    return max(-(-share.numerator * many // share.denominator), 1) - 1


def _online(feature: WindowedFeature, places: Places) -> Evaluate:
    value, count = (place for _, place in places.events)
    slot, share = places.events[0][0], _share(feature)
    read = value_reader(slot)
    real = slot.kind == "float"

    def quantile(parts: Sequence[Part]) -> Any:
        found: list[Any] = []
        for part in parts:
            counts = part.rows.numbers(count, part.low, part.high)
            numbers = part.rows.reals if real else part.rows.numbers
            values = numbers(value, part.low, part.high)
            found += [number for number, n in zip(values, counts, strict=True) if n]
        if not found:
            return None
        found.sort(key=ordered if real else None)
        at = found[_place(share, len(found))]
        return at if real else read(at)

    return quantile


def _explained(rows: ExplainedRows) -> Any:
    if not rows.values:
        return None
    return sorted(rows.values, key=ordered)[_place(_share(rows.feature), len(rows.values))]


FORM = Form(online=_online, explained=_explained)
