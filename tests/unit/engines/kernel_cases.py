"""Tables, spines and windows for tests of kernels: small enough that every boundary is hit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.spans import Nullable, TimeWindow
from lakehouse.engines.kernels.windows import WindowAggregates
from lakehouse.testing.meanings import Event
from lakehouse.testing.oracle import window_value

DAY = 86_400_000_000
ENTITIES = (0, 1, 70_000)  # the last needs a second radix pass
MOMENT_ENTITIES = (-1, *ENTITIES, 2, 70_001)  # -1, 2 and 70_001 have no events
SCALE = 2
AGGREGATES = ("count", "sum", "mean", "min", "max")
"""What WindowAggregates gives of one measure."""


@dataclass(frozen=True)
class Case:
    """A table, a spine and a window; `values` are what the oracle aggregates."""

    entity: list[int]
    event_at: list[int]
    known_at: list[int]
    values: list[Any]
    matches: list[bool | None]
    moments: list[tuple[int, int]]
    window: TimeWindow
    ties: list[int]

    def events(self) -> list[Event]:
        columns = (self.entity, self.event_at, self.known_at, self.values, self.matches, self.ties)
        return [Event(*row) for row in zip(*columns, strict=True)]

    def expected(self, aggregate: str, argument: Any = None) -> list[Any]:
        over, delay, edge = self.window.over, self.window.delay, self.window.edge
        events = self.events()
        return [
            window_value(
                events,
                entity,
                at,
                aggregate=aggregate,
                over=over,
                delay=delay,
                edge=edge,
                argument=argument,
            )
            for entity, at in self.moments
        ]

    def index(self) -> EventIndex:
        return EventIndex(ints(self.entity), ints(self.event_at), ints(self.known_at))

    def spine(self) -> Moments:
        entities, times = zip(*self.moments, strict=True) if self.moments else ((), ())
        return Moments(ints(entities), ints(times))

    def matching(self) -> Any:
        return np.array([matches is True for matches in self.matches], dtype=bool)

    def present(self) -> Any:
        return np.array([value is not None for value in self.values], dtype=bool)

    def tie(self) -> Any:
        """The ties as the kernels take them: the value decides where nothing else does."""
        keys = [
            (tie, value is not None, value != value, value)
            for tie, value in zip(self.ties, self.values, strict=True)
        ]
        return ints([sum(other < key for other in keys) for key in keys])

    def kernel(self) -> tuple[WindowAggregates, Measure]:
        index = self.index()
        scale = SCALE if any(isinstance(value, Decimal) for value in self.values) else 0
        where = self.matching() & self.present()
        measure = Measure(index, column(self.values), where=where, scale=scale)
        return WindowAggregates(index, self.spine()), measure

    def actual(
        self, aggregate: str, kernel: tuple[WindowAggregates, Measure] | None = None
    ) -> list[Any]:
        windows, measure = kernel or self.kernel()
        result = getattr(windows, aggregate)(measure, self.window)
        if not isinstance(result, Nullable):
            result = Nullable(result, np.ones(len(result), dtype=bool))
        values = result.values.tolist()
        if measure.scale and aggregate in ("sum", "min", "max"):
            values = [Decimal(value).scaleb(-SCALE) for value in values]
        return [value if valid else None for value, valid in zip(values, result.valid, strict=True)]


def ints(values: Any) -> Any:
    return np.array(values, dtype=np.int64)


def column(values: list[Any]) -> Any:
    """Return the values as the kernels take them, with something absurd where they are null."""
    if any(isinstance(value, float) for value in values):
        return np.array([math.nan if value is None else value for value in values])
    if values and all(isinstance(value, bool) for value in values):
        return np.array(values)
    return ints(
        [
            -(10**15) if value is None else int(value.scaleb(SCALE)) if hasattr(value, "scaleb")
            else int(value)
            for value in values
        ]
    )  # fmt: skip


def table_of(values: st.SearchStrategy[Any], stretch: st.SearchStrategy[int]) -> Any:
    """Draw cases: times in a narrow range that straddles 1970, so that all kinds of ties occur."""

    @st.composite
    def draw_case(draw: Any) -> Case:
        unit = draw(stretch)
        event = st.tuples(
            st.sampled_from(ENTITIES),
            st.integers(-20, 20),
            st.sampled_from((0, 0, 0, 1, 2, 3, 7, 25, 60, -4)),  # known this much after the event
            st.none() | values,
            st.sampled_from((True, True, True, False, None)),
            st.integers(0, 2),
        )
        rows = draw(st.lists(event, max_size=14))
        moment = st.tuples(
            st.sampled_from(MOMENT_ENTITIES), st.integers(-25, 45), st.sampled_from((-1, 0, 1))
        )
        moments = draw(st.lists(moment, max_size=10))
        return Case(
            [row[0] for row in rows],
            [row[1] * unit for row in rows],
            [(row[1] + row[2]) * unit for row in rows],
            [row[3] for row in rows],
            [row[4] for row in rows],
            [(entity, at * unit + nudge) for entity, at, nudge in moments],
            TimeWindow(
                draw(st.integers(1, 30)) * unit,
                draw(st.sampled_from((0, 0, 1, 3, 8))) * unit,
                draw(st.sampled_from((None, None, 1, 4, 7))) and draw(st.integers(1, 9)) * unit,
            ),
            [row[5] for row in rows],
        )

    return draw_case()


INTEGERS = st.integers(-50, 50) | st.integers(-(2**40), 2**40)
DECIMALS = st.integers(-(10**6), 10**6).map(lambda units: Decimal(units).scaleb(-SCALE))
FLOATS = st.floats(-1e9, 1e9) | st.sampled_from((math.nan, math.inf, -math.inf, -0.0, 0.1))
UNITS = st.sampled_from((1, 1, 1, 1_000_000, DAY, 2**53))  # the last makes composite keys too long


def awkward(kind: Callable[[int], Any] = int, rows: int = 100) -> Case:
    """A fixed table: ties, nulls, late and never visible rows, moments on every boundary."""
    random = np.random.default_rng(7)
    event_at = random.integers(-30, 30, rows)
    late = random.choice((0, 0, 0, 2, 9, 80), rows)
    values = [kind(value) for value in random.integers(-99, 99, rows).tolist()]
    return Case(
        random.integers(0, 3, rows).tolist(),
        event_at.tolist(),
        (event_at + late).tolist(),
        [value if number % 7 else None for number, value in enumerate(values)],
        [(True, None, False)[max(0, number % 11 - 8)] for number in range(rows)],
        [(entity, at) for entity in range(3) for at in range(-36, 54)],
        TimeWindow(over=12, delay=5, edge=4),
        random.integers(0, 3, rows).tolist(),
    )


MUTATIONS: dict[str, Callable[[Case], Case]] = {
    "moments one microsecond early": lambda case: replace(
        case, moments=[(entity, at - 1) for entity, at in case.moments]
    ),
    "moments one microsecond late": lambda case: replace(
        case, moments=[(entity, at + 1) for entity, at in case.moments]
    ),
    "no delay": lambda case: replace(case, window=replace(case.window, delay=0)),
    "no edge": lambda case: replace(case, window=replace(case.window, edge=None)),
    "window one tile longer": lambda case: replace(
        case, window=replace(case.window, over=case.window.over + 4)
    ),
    "known times ignored": lambda case: replace(case, known_at=case.event_at),
    "extreme rows lost": lambda case: replace(
        case, matches=[v is None or abs(v) < 80 for v in case.values]
    ),
    "entities swapped": lambda case: replace(case, entity=[2 - e for e in case.entity]),
}
