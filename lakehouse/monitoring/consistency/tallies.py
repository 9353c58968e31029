"""What was found of each feature: counts, the worst difference, some examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import Feature, RequestView
from lakehouse.declare.tables import table_column
from lakehouse.language import expressions
from lakehouse.monitoring.consistency.comparing import EQUAL, EXTRA, MISMATCH, MISSING
from lakehouse.monitoring.consistency.declarations import View, stored_in
from lakehouse.monitoring.consistency.lateness import SKEW, STALE, UNPLACED, Codes
from lakehouse.monitoring.consistency.recomputed import FeatureCompared
from lakehouse.monitoring.consistency.served_answers import AT, Answers
from lakehouse.records.store import iso
from lakehouse.zones.violation import EXAMPLES, MASK

OUTCOMES = {EQUAL: "equal", MISMATCH: "mismatch", MISSING: "missing", EXTRA: "extra"}
REASONS = {SKEW: "skew", UNPLACED: "unplaced", STALE: "stale"}
"""In the order in which examples are wanted."""
COUNTS = ("compared", *OUTCOMES.values(), *("stale", "skew", "unplaced"))


@dataclass
class Tally:
    """One feature's counts. `worst` is the largest difference of numbers, None without any."""

    view: str
    feature: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    worst: float | None = None
    _examples: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {reason: [] for reason in REASONS.values()}
    )

    @property
    def different(self) -> int:
        """How many values are not history's."""
        return self.counts["compared"] - self.counts["equal"]

    @property
    def examples(self) -> list[dict[str, Any]]:
        """Up to five values that differ, those first that lateness does not explain."""
        return [e for found in self._examples.values() for e in found][:EXAMPLES]

    def add(self, answers: Answers, view: View, one: FeatureCompared, why: Codes) -> None:
        """Count what was compared of some answers."""
        compared = one.compared
        self.counts["compared"] += len(compared.code)
        for code, name in OUTCOMES.items():
            self.counts[name] += int((compared.code == code).sum())
        numbers = compared.difference[~np.isnan(compared.difference)]
        if numbers.size:
            self.worst = max(self.worst or 0.0, float(numbers.max()))
        for reason, name in REASONS.items():
            found = np.flatnonzero(why == reason)
            self.counts[name] += found.size
            kept = self._examples[name]
            for row in found[: EXAMPLES - len(kept)].tolist():
                kept.append(_example(answers, view, one, row, name))


def _example(
    answers: Answers, view: View, one: FeatureCompared, row: int, reason: str
) -> dict[str, Any]:
    """One value that differs, as a person can look it up; personal values are masked."""
    place = int(one.places[row])
    served = answers.served[one.feature.full_name][place]
    history = told(one.history[row].as_py())
    if is_personal(view, one.feature):
        served, history = (None if v is None else MASK for v in (served, history))
    return {
        "id": answers.ids[place],
        "asked_for": iso(answers.spine[AT][place].as_py()),
        "entity": _entity(answers, view, place),
        "served": served,
        "history": history,
        "outcome": OUTCOMES[int(one.compared.code[row])],
        "why": reason,
    }


def _entity(answers: Answers, view: View, place: int) -> dict[str, Any]:
    found = {}
    for stored in stored_in(view):
        for key in stored.by.keys:
            value = told(answers.spine[key][place].as_py())
            personal = table_column(stored.of, key).personal
            found[key] = MASK if personal and value is not None else value
    return found


def is_personal(view: View, feature: Feature) -> bool:
    """Whether a feature's values are somebody's own: of a personal column, but for counts of it."""
    if isinstance(view, RequestView):
        personal = {c.name for c in view.request_columns if c.personal}
        personal |= {f.dotted for v in view.uses for f in v.features if is_personal(v, f)}
        named = expressions.names(expressions.parse(str(feature.expression)))
        return not personal.isdisjoint(named)
    if feature.aggregate is not None and feature.aggregate.facts.counts:
        return False
    column = feature.column if feature.aggregate is None else feature.aggregate.column
    return column is not None and table_column(view.of, column).personal


def told(value: Any) -> Any:
    """A value as JSON carries it; what JSON has no number for as text.

    >>> told(Decimal("1.50")), told(float("nan")), told([Decimal("1")])
    ('1.50', 'nan', ['1'])
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return [told(each) for each in value] if isinstance(value, list) else value


SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("compared_at", pa.timestamp("us", tz="UTC")),
        ("served_from", pa.timestamp("us", tz="UTC")),
        ("served_until", pa.timestamp("us", tz="UTC")),
        ("view", pa.string()),
        ("feature", pa.string()),
        *((name, pa.int64()) for name in COUNTS),
        ("worst_difference", pa.float64()),
        ("examples", pa.string()),
        ("_known_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""The columns of the table `feature_consistency`: one row for each feature of a run."""


def as_table(tallies: Sequence[Tally], of_run: Mapping[str, Any]) -> Any:
    """The tallies as rows of `SCHEMA`; `of_run` holds the columns that a run's rows share."""
    return pa.Table.from_pylist(
        [
            {
                **of_run,
                "view": tally.view,
                "feature": tally.feature,
                **tally.counts,
                "worst_difference": tally.worst,
                "examples": json.dumps(tally.examples),
            }
            for tally in tallies
        ],
        SCHEMA,
    )
