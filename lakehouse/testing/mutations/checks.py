"""Checks of the monitoring that are wrong on purpose, to show that their suite notices.

A mutant wraps a check that is right and makes one mistake. Each must fail at least one of
`check_conformance.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lakehouse.context import Context
from lakehouse.engines.protocol import Transaction
from lakehouse.monitoring.check import Check, Findings, Period
from lakehouse.records.store import Run
from lakehouse.testing.check_conformance import INSTANT, Scene

Measure = Callable[[Context, Period, Run], Findings]
Wrong = Callable[[Scene, Measure, Context, Period, Run], Findings]


class CheckMutant:
    """A check that measures what another one does, wrongly."""

    def __init__(self, scene: Scene, wrong: Wrong) -> None:
        self._scene = scene
        self._right: Check = scene.check
        self._wrong = wrong
        self.name = scene.check.name

    def measure(self, ctx: Context, period: Period, run: Run) -> Findings:
        return self._wrong(self._scene, self._right.measure, ctx, period, run)


def mutant(scene: Scene, wrong: Wrong) -> Scene:
    """The scene with a check that makes a mistake."""
    return replace(scene, check=CheckMutant(scene, wrong))


def _no_period(_: Scene, right: Measure, ctx: Context, __: Period, run: Run) -> Findings:
    return right(ctx, Period(), run)


def _end_included(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    end = None if period.end is None else period.end + INSTANT
    return right(ctx, replace(period, end=end), run)


def _begin_left_out(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    if period.begin is None or (period.end and period.end - period.begin <= INSTANT):
        return replace(right(ctx, period, run), results=())
    return right(ctx, replace(period, begin=period.begin + INSTANT), run)


class _Unsteady:
    """Says something else each time."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(
        self, _: Scene, right: Measure, ctx: Context, period: Period, run: Run
    ) -> Findings:
        self._asked += 1
        found = right(ctx, period, run)
        return replace(found, summary=f"{found.summary} ({self._asked})")


def _newest(scene: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    return right(scene.ctx.pinned() if ctx.pins else ctx, period, run)


def _unnoted(scene: Scene, right: Measure, ctx: Context, period: Period, _: Run) -> Findings:
    return right(ctx, period, scene.run())


def _writing(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    frame = ctx.engine.query("SELECT 1 AS n", {})
    ctx.engine.write(ctx.table("curated", "own"), frame, "append", Transaction("own", 1))
    return found


def _showing(scene: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return replace(found, notes=(*found.notes, f"of {min(scene.personal)}"))


def _wordless(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return replace(found, results=tuple(replace(r, message="") for r in found.results))


def _unjudged(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return replace(found, results=tuple(replace(r, threshold=None) for r in found.results))


def _repeated(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return replace(found, results=found.results * 2)


def _silent(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return found if found.results else replace(found, summary="")


def _of_nothing(_: Scene, right: Measure, ctx: Context, period: Period, run: Run) -> Findings:
    found = right(ctx, period, run)
    return found if found.results else right(ctx, Period(), run)


MUTANTS: dict[str, Wrong] = {
    "the period is forgotten": _no_period,
    "the end of a period is in it": _end_included,
    "the begin of a period is not in it": _begin_left_out,
    "it says something else each time": _Unsteady(),
    "the newest versions are read": _newest,
    "the run does not say what was read": _unnoted,
    "the check writes by itself": _writing,
    "a personal value is shown": _showing,
    "what fails has no words": _wordless,
    "a verdict has no threshold": _unjudged,
    "a metric stands twice": _repeated,
    "nothing to check is not said": _silent,
    "an empty period gives all there is": _of_nothing,
}
"""Every mistake by what it is."""
