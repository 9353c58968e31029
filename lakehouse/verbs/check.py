"""`check`: say what falls short."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from lakehouse.verbs.core.answer import DONE, LOOK, Answer, Line, Part, Rows
from lakehouse.verbs.core.common import DomainName, EngineName, Wait
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb

if TYPE_CHECKING:
    from lakehouse.monitoring.checking import Checked


@verb("check")
def check(
    session: Session,
    domain: DomainName,
    checks: Annotated[
        list[str] | None, Argument("Checks by name, as consistency; all when left out.")
    ] = None,
    begin: Annotated[
        datetime | None, Option("Only what happened from this moment on.", ("--from",))
    ] = None,
    end: Annotated[
        datetime | None, Option("Only what happened before this moment.", ("--until",))
    ] = None,
    allow: Annotated[
        list[str] | None,
        Option("A cause that the exit code says nothing of, as stale; may be repeated."),
    ] = None,
    engine: EngineName = "embedded",
    wait: Wait = 0.0,
) -> Answer:
    """Run checks of a domain, and say what falls short.

    Every check appends its results to the curated table check_results. Exit code 3 says that
    something falls short, or that nobody can tell.

    Example: lakehouse check payments_fraud consistency --from 2018-09-01
    """
    from lakehouse.monitoring import check as installed
    from lakehouse.monitoring.checking import check as run_check
    from lakehouse.records.lock import writing

    period = installed.Period(begin, end)
    chosen = [installed.load(name) for name in checks or installed.names()]
    ctx = session.context(domain, engine)
    done = []
    with writing(ctx.home.path, wait):
        for one in chosen:
            session.progress("check", one.name)
            done.append(run_check(ctx, one, period))
    parts = [part for checked in done for part in _shown(checked, ctx.domain.name)]
    holds = all(checked.findings.holds(allow or ()) for checked in done)
    return Answer([checked.document() for checked in done], parts, DONE if holds else LOOK)


def _shown(checked: Checked, domain: str) -> list[Part]:
    """One row a subject with a column a metric, what falls short, notes, and the summary."""
    subjects: dict[str, dict[str, Any]] = {}
    metrics: dict[str, None] = {}
    for result in checked.findings.results:
        subjects.setdefault(result.subject, {})[result.metric] = result.value
        metrics.setdefault(result.metric)
    rows = [{"subject": name, **_figures(values)} for name, values in subjects.items()]
    columns = ("subject", *metrics)
    title = f"Check '{checked.check}' of {domain}"
    parts: list[Part] = [Rows(rows, title, columns, tuple(metrics), "nothing to check")]
    short = checked.findings.short()
    parts += [Line(f"{result.cause}: {result.message}", result.subject) for result in short]
    parts += [Line(note) for note in checked.findings.notes]
    return [*parts, Line(checked.findings.summary)]


def _figures(values: dict[str, float | None]) -> dict[str, Any]:
    """Figures as a person reads them: counts whole, all else with two digits that matter."""
    return {
        name: "" if value is None else int(value) if value.is_integer() else f"{value:.2g}"
        for name, value in values.items()
    }
