"""What was found of each feature: counts, the worst difference, some examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lakehouse.declare.features import View
from lakehouse.declare.tables import table_column
from lakehouse.monitoring.consistency.comparing import EQUAL, EXTRA, MISMATCH, MISSING
from lakehouse.monitoring.consistency.lateness import SKEW, STALE, UNPLACED, Codes
from lakehouse.monitoring.consistency.recomputed import FeatureCompared
from lakehouse.monitoring.consistency.served_answers import AT, Answers
from lakehouse.monitoring.results import json_value
from lakehouse.records.store import iso
from lakehouse.zones.violation import EXAMPLES, MASK

COMPARISONS = {EQUAL: "equal", MISMATCH: "mismatch", MISSING: "missing", EXTRA: "extra"}
REASONS = {SKEW: "skew", UNPLACED: "unplaced", STALE: "stale"}
"""In the order in which examples are wanted."""
COUNTS = ("compared", *COMPARISONS.values(), *("stale", "skew", "unplaced"))


@dataclass
class FeatureCounts:
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
        return [e for some in self._examples.values() for e in some][:EXAMPLES]

    def examples_of(self, reason: str) -> list[dict[str, Any]]:
        """Up to five values that differ for a reason."""
        return self._examples[reason]

    def add(self, answers: Answers, view: View, one: FeatureCompared, why: Codes) -> None:
        """Count what was compared of some answers."""
        compared = one.compared
        self.counts["compared"] += len(compared.code)
        for code, name in COMPARISONS.items():
            self.counts[name] += int((compared.code == code).sum())
        numbers = compared.difference[~np.isnan(compared.difference)]
        if numbers.size:
            self.worst = max(self.worst or 0.0, float(numbers.max()))
        for reason, name in REASONS.items():
            rows = np.flatnonzero(why == reason)
            self.counts[name] += rows.size
            kept = self._examples[name]
            for row in rows[: EXAMPLES - len(kept)].tolist():
                kept.append(_example(answers, view, one, row, name))


def _example(
    answers: Answers, view: View, one: FeatureCompared, row: int, reason: str
) -> dict[str, Any]:
    """One value that differs, as a person can look it up; personal values are masked."""
    place = int(one.places[row])
    served = answers.served[one.feature.full_name][place]
    history = json_value(one.history[row].as_py())
    if view.is_personal(one.feature.name):
        served, history = (None if v is None else MASK for v in (served, history))
    return {
        "id": answers.ids[place],
        "asked_for": iso(answers.spine[AT][place].as_py()),
        "entity": _entity(answers, view, place),
        "served": served,
        "history": history,
        "comparison": COMPARISONS[int(one.compared.code[row])],
        "why": reason,
    }


def _entity(answers: Answers, view: View, place: int) -> dict[str, Any]:
    entity = {}
    for stored in view.stored:
        for key in stored.by.keys:
            value = json_value(answers.spine[key][place].as_py())
            personal = table_column(stored.of, key).personal
            entity[key] = MASK if personal and value is not None else value
    return entity
