"""What the lake's history says of answers, and how what was served compares with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.features import Feature, FeatureView, View
from lakehouse.engines.arrow_tables import one_array
from lakehouse.errors import LakehouseError
from lakehouse.features.historical import historical
from lakehouse.monitoring.consistency.comparing import (
    EQUAL,
    MISMATCH,
    TOLERANCE,
    Compared,
    Mask,
    compare,
)
from lakehouse.monitoring.consistency.magnitudes import magnitude, magnitude_view, summed
from lakehouse.monitoring.consistency.served_answers import AT, NUMBER, Answers
from lakehouse.monitoring.consistency.served_values import as_array, present
from lakehouse.records.store import Run

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureCompared:
    """One feature of some answers: `places` are those that hold a value of it, in ascending order.

    `compared` and `history`, the values computed anew, stand in the order of `places`.
    """

    feature: Feature
    places: Places
    compared: Compared
    history: Any

    @property
    def different(self) -> Mask:
        return np.asarray(self.compared.code != EQUAL)


def recompute(
    ctx: Context,
    answers: Answers,
    views: Sequence[View],
    places: Places | None = None,
    run: Run | None = None,
) -> list[FeatureCompared]:
    """Compute the views' features of answers anew, at the table versions of `ctx`, and compare.

    `places` are the answers wanted, in ascending order; all of them by default.
    """
    wanted = np.arange(answers.spine.num_rows) if places is None else places
    history = _history(ctx, answers.spine.take(pa.array(wanted)), views, run)
    compared = []
    for view in views:
        of_view = [
            _compared(answers, view, feature, wanted, history[feature.full_name])
            for feature in view.features
        ]
        compared += _but_for_rounding(ctx, answers, view, of_view)
    return compared


def _history(
    ctx: Context, spine: Any, views: Sequence[View], run: Run | None = None
) -> Mapping[str, Any]:
    """The views' features of a spine by full name, in its order."""
    frame = historical(ctx, ctx.engine.from_arrow(spine), AT, views, run)
    table = ctx.engine.to_arrow(frame).sort_by(NUMBER).combine_chunks()
    if not table[NUMBER].equals(spine[NUMBER]):
        raise LakehouseError(
            f"Engine '{ctx.engine.name}' gave features of {table.num_rows} moments where "
            f"{spine.num_rows} were asked, or of others; nothing can be compared with them."
        )
    names = [f.full_name for view in views for f in view.features]
    return {name: one_array(table[name]) for name in names}


def _compared(
    answers: Answers, view: View, feature: Feature, wanted: Places, history: Any
) -> FeatureCompared:
    values = answers.served[feature.full_name]
    answered = present(values)[wanted]
    places = wanted[answered]
    history = history.filter(pa.array(answered))
    served, unfit = as_array([values[place] for place in places], history.type)
    compared = compare(served, history, unfit, _tolerance(view, feature))
    return FeatureCompared(feature, places, compared, history)


def _tolerance(view: View, feature: Feature) -> float:
    """By how much of itself a feature may differ: nothing, unless it was rounded on the way."""
    inexact = isinstance(view, FeatureView) and view.is_approximate(feature.name)
    return TOLERANCE if feature.rounded or inexact else 0.0


def _but_for_rounding(
    ctx: Context, answers: Answers, view: View, compared: list[FeatureCompared]
) -> list[FeatureCompared]:
    """The same, where rounded sums that differ by no more than their rounding are equal."""
    if not isinstance(view, FeatureView):
        return compared
    rounded = {feature.name: feature for feature in summed(view)}
    doubtful = [
        one for one in compared if one.feature.name in rounded and _may_be_rounding(one).any()
    ]
    if not doubtful:
        return compared
    places = np.unique(np.concatenate([one.places[_may_be_rounding(one)] for one in doubtful]))
    sizes = magnitude_view(view, [rounded[one.feature.name] for one in doubtful])
    computed = _history(ctx, answers.spine.take(pa.array(places)), [sizes])
    mended = {}
    for number, one in enumerate(doubtful):
        doubt = _may_be_rounding(one)
        size = magnitude(rounded[one.feature.name], number, computed)
        tolerance = TOLERANCE * size[np.searchsorted(places, one.places[doubt])]
        code = one.compared.code.copy()
        code[np.flatnonzero(doubt)[one.compared.difference[doubt] <= tolerance]] = EQUAL
        mended[one.feature.name] = replace(one, compared=replace(one.compared, code=code))
    return [mended.get(one.feature.name, one) for one in compared]


def _may_be_rounding(one: FeatureCompared) -> Mask:
    compared = one.compared
    may: Mask = (compared.code == MISMATCH) & np.isfinite(compared.difference)
    return may
