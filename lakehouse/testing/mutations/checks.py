"""Checks of the monitoring that are wrong on purpose, to show that their suite notices.

A mutant wraps a check that is right and makes one mistake. Each must fail at least one of
`check_conformance.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lakehouse.context import Context
from lakehouse.engines.protocol import Transaction
from lakehouse.monitoring.check import Check, Findings, Window
from lakehouse.records.store import Run
from lakehouse.testing.check_conformance import INSTANT, Scene

Measure = Callable[[Context, Window, Run], Findings]
Wrong = Callable[[Scene, Measure, Context, Window, Run], Findings]


class CheckMutant:
    """A check that measures what another one does, wrongly."""

    def __init__(self, scene: Scene, wrong: Wrong) -> None:
        self._scene = scene
        self._right: Check = scene.check
        self._wrong = wrong
        self.name = scene.check.name

    def measure(self, ctx: Context, window: Window, run: Run) -> Findings:
        return self._wrong(self._scene, self._right.measure, ctx, window, run)


def mutant(scene: Scene, wrong: Wrong) -> Scene:
    """The scene with a check that makes a mistake."""
    return replace(scene, check=CheckMutant(scene, wrong))


def _no_window(_: Scene, right: Measure, ctx: Context, __: Window, run: Run) -> Findings:
    return right(ctx, Window(), run)


def _end_included(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    end = None if window.end is None else window.end + INSTANT
    return right(ctx, replace(window, end=end), run)


def _begin_left_out(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    if window.begin is None or (window.end and window.end - window.begin <= INSTANT):
        return replace(right(ctx, window, run), results=())
    return right(ctx, replace(window, begin=window.begin + INSTANT), run)


class _Unsteady:
    """Says something else each time."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(
        self, _: Scene, right: Measure, ctx: Context, window: Window, run: Run
    ) -> Findings:
        self._asked += 1
        found = right(ctx, window, run)
        return replace(found, summary=f"{found.summary} ({self._asked})")


def _newest(scene: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    return right(scene.ctx.pinned() if ctx.pins else ctx, window, run)


def _unnoted(scene: Scene, right: Measure, ctx: Context, window: Window, _: Run) -> Findings:
    return right(ctx, window, scene.run())


def _writing(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    frame = ctx.engine.query("SELECT 1 AS n", {})
    ctx.engine.write(ctx.table("curated", "own"), frame, "append", Transaction("own", 1))
    return found


def _showing(scene: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return replace(found, notes=(*found.notes, f"of {min(scene.personal)}"))


def _wordless(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return replace(found, results=tuple(replace(r, message="") for r in found.results))


def _unjudged(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return replace(found, results=tuple(replace(r, threshold=None) for r in found.results))


def _repeated(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return replace(found, results=found.results * 2)


def _silent(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return found if found.results else replace(found, summary="")


def _of_nothing(_: Scene, right: Measure, ctx: Context, window: Window, run: Run) -> Findings:
    found = right(ctx, window, run)
    return found if found.results else right(ctx, Window(), run)


MUTANTS: dict[str, Wrong] = {
    "the window is forgotten": _no_window,
    "the end of a window is in it": _end_included,
    "the begin of a window is not in it": _begin_left_out,
    "it says something else each time": _Unsteady(),
    "the newest versions are read": _newest,
    "the run does not say what was read": _unnoted,
    "the check writes by itself": _writing,
    "a personal value is shown": _showing,
    "what fails has no words": _wordless,
    "a verdict has no threshold": _unjudged,
    "a metric stands twice": _repeated,
    "nothing to check is not said": _silent,
    "an empty window gives all there is": _of_nothing,
}
"""Every mistake by what it is."""
