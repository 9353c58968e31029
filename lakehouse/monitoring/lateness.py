"""Which differences are explained by what the online store did not hold yet.

A value that is what history said at the version that the store held was right when it was served,
and is stale; one that it never said is skew: two ways of computing do not agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse.engines import delta
from lakehouse.engines.context import Context
from lakehouse.monitoring.comparing import EQUAL
from lakehouse.monitoring.declarations import View, stored_in
from lakehouse.monitoring.recomputed import FeatureCompared, recompute
from lakehouse.monitoring.served_answers import UNKNOWN, Answers

SAME, STALE, SKEW, UNPLACED = range(4)
"""Why a served value differs: it does not; the store was behind; no version of the table that the
store may have held gives it; nobody knows which version that was, or its files are gone."""

Codes = npt.NDArray[np.int8]
Pins = dict[str, int]


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

    def why(
        self, answers: Answers, view: View, found: Sequence[FeatureCompared]
    ) -> dict[str, Codes]:
        """Say for each value of the view's features, by full name, why it differs."""
        reasons = {
            one.feature.full_name: np.where(one.different, UNPLACED, SAME).astype(np.int8)
            for one in found
        }
        different = [one.places[one.different] for one in found]
        places = np.unique(np.concatenate(different)) if different else np.array([], np.int64)
        if not places.size:
            return reasons
        names = [stored.name for stored in stored_in(view)]
        held = np.stack([answers.held[name][places] for name in names], axis=1)
        for versions in np.unique(held, axis=0):
            at = places[(held == versions).all(axis=1)]
            self._place(answers, view, found, at, versions.tolist(), reasons)
        return reasons

    def _place(
        self,
        answers: Answers,
        view: View,
        found: Sequence[FeatureCompared],
        places: npt.NDArray[np.int64],
        versions: list[int],
        reasons: Mapping[str, Codes],
    ) -> None:
        """Compute answers whose store held these versions anew, at each that may have served."""
        for pins in self._candidates(view, versions):
            if pins is None:
                return
            again = self._again(answers, view, places, pins)
            for one in found:
                reason = reasons[one.feature.full_name]
                mine = np.isin(one.places, places) & one.different & (reason != STALE)
                reason[mine] = SKEW
                if again is not None:
                    reason[mine & np.isin(one.places, again[one.feature.name])] = STALE

    def _again(
        self, answers: Answers, view: View, places: npt.NDArray[np.int64], pins: Pins
    ) -> dict[str, npt.NDArray[np.int64]] | None:
        """By feature the answers that are equal at these versions; None for the newest ones."""
        newest = self._ctx.pins or {}
        if all(newest.get(table) == version for table, version in pins.items()):
            return None
        for table, version in pins.items():
            self.compared_at.setdefault(table, set()).add(version)
        past = replace(self._ctx, pins={**newest, **pins})
        found = recompute(past, answers, [view], places)
        return {one.feature.name: one.places[one.compared.code == EQUAL] for one in found}

    def _candidates(self, view: View, versions: list[int]) -> list[Pins | None]:
        """The versions of the view's tables that may have served, the one logged first.

        None stands for one that cannot be read, or that nobody knows.
        """
        stored = stored_in(view)
        if UNKNOWN in versions:
            return [None]
        logged = self._pins(view, versions)
        after = [
            self._next(s.name, self._table(s), v) for s, v in zip(stored, versions, strict=True)
        ]
        return [logged] if after == versions else [logged, self._pins(view, after)]

    def _pins(self, view: View, versions: Sequence[int]) -> Pins | None:
        pins: Pins = {}
        for stored, version in zip(stored_in(view), versions, strict=True):
            table = self._table(stored)
            # Two views of one table, one materialised anew and the other not yet.
            if pins.setdefault(table, version) != version or not self._can_read(stored, version):
                return None
        return pins

    def _table(self, stored: Any) -> str:
        return self._ctx.table_id(stored.of.zone, stored.of.name)

    def _can_read(self, stored: Any, version: int) -> bool:
        key = self._table(stored), version
        if key not in self._readable:
            path = self._ctx.path(stored.of.zone, stored.of.name)
            self._readable[key] = delta.readable(path, version)
        return self._readable[key]

    def _next(self, view: str, table: str, version: int) -> int:
        """The version that the view was materialised from after this one, by the runs' records."""
        if view not in self._materialised:
            rows = self._ctx.records.select(
                "SELECT DISTINCT v.version FROM table_versions v JOIN runs r ON r.run = v.run "
                "WHERE r.domain = ? AND r.stage = 'features' AND r.target = ? "
                "AND v.direction = 'read' AND v.table_id = ? ORDER BY v.version",
                *(self._ctx.domain.name, view, table),
            )
            self._materialised[view] = [int(row["version"]) for row in rows]
        newest = (self._ctx.pins or {}).get(table, version)
        after = [v for v in self._materialised[view] if version < v <= newest]
        return min(after, default=version)
