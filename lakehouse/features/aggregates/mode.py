"""Mode: the most frequent value, and of equally frequent ones the last that came."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.read.parts import Evaluate, Part, Places, value_reader
from lakehouse.language.expressions.values import ordered

Same = TypeVar("Same", bound=Hashable)


def _most_frequent(values: Iterable[Same]) -> Same | None:
    often: dict[Same, int] = {}
    for value in values:
        often[value] = often.pop(value, 0) + 1  # put at the end: the last that came stands last
    if not often:
        return None
    most = max(often.values())
    return next(value for value in reversed(often) if often[value] == most)


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    value, count = (place for _, place in places.events)
    read = value_reader(places.events[0][0])

    def mode(parts: Sequence[Part]) -> Any:
        numbers: list[int] = []
        for part in parts:
            counts = part.rows.numbers(count, part.low, part.high)
            values = part.rows.numbers(value, part.low, part.high)
            numbers += [number for number, n in zip(values, counts, strict=True) if n]
        found = _most_frequent(numbers)
        return None if found is None else read(found)

    return mode


def _explained(rows: ExplainedRows) -> Any:
    values = {ordered(value): value for value in rows.values}
    found = _most_frequent(ordered(value) for value in rows.values)
    return None if found is None else values[found]


FORM = Form(online=_online, explained=_explained)
