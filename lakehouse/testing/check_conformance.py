"""What every check of the monitoring must do, as functions that a check passes or fails.

Each takes a function that makes a `Scene` anew, a lake in which the check has something to find,
and raises NotConforming with what is wrong. To join the family, make a scene and run all of
`CHECKS` on it; `lakehouse.testing.mutations.checks` shows that they notice mistakes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lakehouse.context import Context
from lakehouse.engines.protocol import Frame
from lakehouse.monitoring.check import Check, Findings, Period
from lakehouse.monitoring.checking import check, measured
from lakehouse.monitoring.results import INFO, SCHEMA, TABLE, UNKNOWN, as_table
from lakehouse.records.store import Run
from lakehouse.testing.conformance.comparing import NotConforming, require, require_equal
from lakehouse.testing.mutations.wrapping import Wrapped

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Scene:
    """A lake in which a check has something to find.

    At the moment `at`, and in the microsecond before it nothing, lies what the check looks at, and
    some of it falls short. `more` puts rows into the lake that change what is found there.
    `personal` are the values of personal columns that the check reads, as text.
    """

    check: Check
    ctx: Context
    at: datetime
    more: Callable[[], None]
    personal: frozenset[str]

    @property
    def period(self) -> Period:
        """The period that holds the moment alone."""
        return Period(self.at, self.at + INSTANT)

    @property
    def before(self) -> Period:
        """The period that ends at the moment, and so does not hold it."""
        return Period(self.at - INSTANT, self.at)

    def measure(self, ctx: Context, period: Period) -> Findings:
        """What the check finds in a lake and a period."""
        return self.check.measure(ctx, period, self.run())

    def run(self) -> Run:
        """A run that nobody records."""
        return Run("", self.ctx.domain.name, "check", self.check.name)


MakeScene = Callable[[], Scene]


def check_results_fit_the_table(make_scene: MakeScene) -> None:
    """Each metric of a subject stands once, named, and what falls short says why."""
    scene = make_scene()
    found = scene.measure(scene.ctx.pinned(), scene.period)
    require(bool(found.short()), "Nothing falls short in the scene, so that it shows little.")
    require(bool(found.summary), "What was found has no summary.")
    require_equal(as_table(found.results, {}).schema, SCHEMA, "The columns of the results")
    named = [(result.subject, result.metric) for result in found.results]
    require(all(map(all, named)), "A result names no subject or no metric.")
    require(len(set(named)) == len(named), "A metric of a subject stands more than once.")
    for result in found.results:
        where = f"{result.metric} of {result.subject}"
        judged = result.verdict not in (INFO, UNKNOWN)
        require(not judged or result.threshold is not None, f"{where} is judged by no threshold.")
        require(not result.falls_short or bool(result.message), f"{where} fails without a word.")


def check_the_same_lake_gives_the_same(make_scene: MakeScene) -> None:
    """Asked again, the check finds the same, in the same order."""
    scene = make_scene()
    here = scene.ctx.pinned()
    first, again = (scene.measure(here, scene.period) for _ in range(2))
    require(first == again, "The same lake and period gave two different findings.")


def check_one_state_of_the_lake_is_read_and_noted(make_scene: MakeScene) -> None:
    """What comes in later is not seen, and each version that is read stands on the run."""
    scene = make_scene()
    here = scene.ctx.pinned()
    first = scene.measure(here, scene.period)
    scene.more()
    watched, run = _Watched(here.engine), scene.run()
    again = scene.check.measure(replace(here, engine=watched), scene.period, run)
    require(first == again, "Rows that came in later were seen at the versions of before.")
    later = scene.measure(scene.ctx.pinned(), scene.period)
    require(first != later, "What came in later changes nothing, so that the scene shows little.")
    require(bool(run.reads), "The run has no version that was read.")
    also = run.metrics.get("also_at", {})
    for name, version in watched.reads:
        require(version is not None, f"{name} was read at no version.")
        noted = run.reads.get(name) == version or version in also.get(name, ())
        require(noted, f"{name} was read at version {version}, which the run does not say.")


def check_measuring_writes_nothing(make_scene: MakeScene) -> None:
    """The check leaves the writing of its results to those who run it."""
    scene = make_scene()
    here = replace(scene.ctx.pinned(), engine=_ReadOnly(scene.ctx.engine))
    scene.measure(here, scene.period)


def check_results_are_appended_once_a_run(make_scene: MakeScene) -> None:
    """A commit whose answer was lost is not repeated, and the next run appends its own."""
    scene = make_scene()
    twice = replace(scene.ctx, engine=_Twice(scene.ctx.engine))
    done = check(twice, scene.check, scene.period)
    again = check(scene.ctx, scene.check, scene.period)
    require_equal((done.version, again.version), (0, 1), "The versions of the results table")
    engine = scene.ctx.engine
    rows = engine.to_arrow(engine.read(scene.ctx.table("curated", TABLE)))
    expected = [one.of_run["run"] for one in (done, again) for _ in one.findings.results]
    require_equal(sorted(rows["run"].to_pylist()), sorted(expected), "The runs of the rows")


def check_the_window_is_honoured(make_scene: MakeScene) -> None:
    """What happens at its begin is in a period, what happens at its end is not."""
    scene = make_scene()
    here = scene.ctx.pinned()
    found = scene.measure(here, scene.period)
    require(bool(found.results), "What happens at the begin of a period is not in it.")
    _require_nothing(scene.measure(here, scene.before), "What happens at the end is in a period")
    whole = scene.measure(here, Period())
    require(bool(whole.results), "A period without bounds holds nothing.")


def check_nothing_to_check_is_said(make_scene: MakeScene) -> None:
    """A lake that has no table yet gives no result, a summary, and no commit."""
    scene = make_scene()
    empty = replace(scene.ctx, pins={})
    _require_nothing(measured(empty, scene.check, Period()).findings, "A lake without tables")
    version = check(scene.ctx, scene.check, scene.before).version
    require(version is None, "A run without results made a commit.")


def check_personal_values_are_masked(make_scene: MakeScene) -> None:
    """No value of a personal column stands in a result, a note or the summary."""
    scene = make_scene()
    found = measured(scene.ctx, scene.check, scene.period)
    require(bool(scene.personal), "The scene names no personal value, so that it shows little.")
    text = json.dumps(found.document(), default=str)
    text += json.dumps(found.table.to_pylist(), default=str)
    shown = sorted(value for value in scene.personal if value in text)
    require(not shown, f"{len(shown)} personal values are shown.")


def _require_nothing(findings: Findings, what: str) -> None:
    require(not findings.results, f"{what}: {len(findings.results)} results where none is right.")
    require(bool(findings.summary), f"{what}: nobody says that there is nothing to check.")


class _Watched(Wrapped):
    """An engine that notes which versions are read."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.reads: list[tuple[str, int | None]] = []

    def read(self, table: Any, version: int | None = None, *how: Any, **named: Any) -> Frame:
        self.reads.append((table.id, version))
        return super().read(table, version, *how, **named)


class _ReadOnly(Wrapped):
    """An engine that writes nothing."""

    def write(self, *_: Any, **__: Any) -> int:
        raise NotConforming("A check wrote into the lake by itself.")


class _Twice(Wrapped):
    """An engine that commits as after an answer that was lost on its way."""

    def write(self, *how: Any, **named: Any) -> int:
        super().write(*how, **named)
        return super().write(*how, **named)


CHECKS: dict[str, Callable[[MakeScene], None]] = {
    name: function for name, function in globals().items() if name.startswith("check_")
}
"""Every check of checks by its name."""
