"""Which differences are explained by what the online store did not hold yet.

A value that is what history said at the version that the store held was right when it was served,
and is stale; one that it never said is skew: two ways of computing do not agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lakehouse.context import Context
from lakehouse.declare.features import StoredView, View
from lakehouse.monitoring.consistency.recomputed import FeatureCompared, Places, recompute
from lakehouse.monitoring.consistency.served_answers import UNKNOWN, Answers
from lakehouse.records.versions import versions_read

SAME, STALE, SKEW, UNPLACED = range(4)
"""Why a served value differs: it does not; the store was behind; no version of the table that the
store may have held gives it; nobody knows which version that was, or its files are gone."""

Codes = npt.NDArray[np.int8]
Pins = dict[str, int]
Versions = Mapping[str, int]
"""By stored view the version of its table."""


class Lateness:
    """Tells why served values differ from history's, at the versions that `ctx` is pinned to.

    The service learns of a newly materialised version a moment after the store holds it: a value
    counts as stale also at the version that the store came to hold next.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._readable: dict[tuple[str, int], bool] = {}
        self._materialised: dict[str, list[int]] = {}
        self.compared_at: dict[str, set[int]] = {}
        """By table the older versions that were computed from."""

    def why(self, answers: Answers, compared: Sequence[FeatureCompared]) -> dict[str, Codes]:
        """Say for each value of the features, by full name, why it differs."""
        reasons = {
            one.feature.full_name: np.where(one.different, UNPLACED, SAME).astype(np.int8)
            for one in compared
        }
        wrong = [one for one in compared if one.different.any()]
        if not wrong:
            return reasons
        named = {one.feature.view for one in wrong}
        views = [view for view in answers.views if view.name in named]
        stored = list({s.name: s for view in views for s in view.stored}.values())
        places = np.unique(np.concatenate([one.places[one.different] for one in wrong]))
        held = np.stack([answers.held[s.name][places] for s in stored], axis=1)
        for row in np.unique(held, axis=0):
            versions = dict(zip((s.name for s in stored), row.tolist(), strict=True))
            at = places[(held == row).all(axis=1)]
            together = self._pins(stored, versions) is not None
            for some in [views] if together else [[view] for view in views]:
                self._place(answers, some, wrong, at, versions, reasons)
        return reasons

    def _place(
        self,
        answers: Answers,
        views: Sequence[View],
        wrong: Sequence[FeatureCompared],
        places: Places,
        versions: Versions,
        reasons: Mapping[str, Codes],
    ) -> None:
        """Compute views of answers anew, at each of the versions that may have served them."""
        stored = [s for view in views for s in view.stored]
        names = {view.name for view in views}
        next_ones = {s.name: self._next(s, versions[s.name]) for s in stored}
        for candidate in (versions, next_ones):
            pins = self._pins(stored, candidate)
            if pins is None:
                return
            right = self._right(answers, views, places, pins)
            for one in wrong:
                if one.feature.view in names:
                    reason = reasons[one.feature.full_name]
                    mine = one.different & (reason != STALE) & np.isin(one.places, places)
                    reason[mine] = SKEW
                    late = right.get(one.feature.full_name, np.array([], np.int64))
                    reason[mine & np.isin(one.places, late)] = STALE

    def _right(
        self, answers: Answers, views: Sequence[View], places: Places, pins: Pins
    ) -> dict[str, Places]:
        """By feature the answers that are equal at these versions; none at the newest ones."""
        newest = self._ctx.pins or {}
        if all(newest.get(table) == version for table, version in pins.items()):
            return {}
        for table, version in pins.items():
            self.compared_at.setdefault(table, set()).add(version)
        past = replace(self._ctx, pins={**newest, **pins})
        return {
            one.feature.full_name: one.places[~one.different]
            for one in recompute(past, answers, views, places)
        }

    def _pins(self, stored: Sequence[StoredView], versions: Versions) -> Pins | None:
        """Pin the views' tables; None if a version is not known, not to be read, or two of one.

        Two views of one table are at two versions while one is materialised and the other waits.
        """
        pins: Pins = {}
        for view in stored:
            table, version = self._table(view), versions[view.name]
            if version == UNKNOWN or pins.setdefault(table, version) != version:
                return None
            if not self._can_read(view, version):
                return None
        return pins

    def _table(self, view: StoredView) -> str:
        return self._ctx.table_of(view.of).id

    def _can_read(self, view: StoredView, version: int) -> bool:
        key = self._table(view), version
        if key not in self._readable:
            ref = self._ctx.table_of(view.of)
            self._readable[key] = ref.readable(version)
        return self._readable[key]

    def _next(self, view: StoredView, version: int) -> int:
        """The version that the view was materialised from after this one, by the runs' records."""
        if view.name not in self._materialised:
            self._materialised[view.name] = versions_read(
                self._ctx.records,
                self._ctx.domain.name,
                "features",
                view.name,
                self._table(view),
            )
        newest = (self._ctx.pins or {}).get(self._table(view), version)
        after = [v for v in self._materialised[view.name] if version < v <= newest]
        return min(after, default=version)
