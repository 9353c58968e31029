"""How a check is run: at one state of the lake, with its results appended to one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lakehouse.context import Context
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.monitoring.check import Check, Findings, Period
from lakehouse.monitoring.results import TABLE, as_table, json_value
from lakehouse.records.store import Run


@dataclass(frozen=True)
class Checked:
    """One run of a check, and what it found.

    `of_run` are the columns that all its rows share. `version` is that of the results table after
    it, None where nothing was written.
    """

    check: str
    findings: Findings
    of_run: Mapping[str, Any]
    version: int | None = None

    @cached_property
    def table(self) -> Any:
        """The results as they stand in `check_results`: an Arrow table."""
        return as_table(self.findings.results, self.of_run)

    def document(self) -> dict[str, Any]:
        """All that was found as plain data, for machines."""
        of_run = {k: json_value(v) for k, v in self.of_run.items() if k != KNOWN_AT}
        return {
            **of_run,
            "version": self.version,
            "summary": self.findings.summary,
            "notes": list(self.findings.notes),
            "results": [result.document() for result in self.findings.results],
        }


def check(ctx: Context, which: Check, period: Period) -> Checked:
    """Run a check over a period, and append its results to the domain's `check_results`.

    A run that finds nothing to check makes no commit. The caller holds the lake's writer lock.
    Raises LakehouseError for a lake of the past, and for a domain that declares a table of that
    name.
    """
    if TABLE in {declared.name for declared in ctx.domain.tables}:
        raise LakehouseError(
            f"Domain '{ctx.domain.name}' declares a table '{TABLE}', the name of the table that "
            "the results of checks stand in; rename it."
        )
    bounds = {"window_begin": period.begin, "window_end": period.end}
    with ctx.run("check", which.name, **bounds) as run:
        done = measured(ctx, which, period, run)
        if not done.findings.results:
            return done
        frame = ctx.engine.from_arrow(done.table)
        version = ctx.write(
            run, ctx.table("curated", TABLE), frame, "append", rows=done.table.num_rows
        )
        return replace(done, version=version)


def measured(ctx: Context, which: Check, period: Period, run: Run | None = None) -> Checked:
    """Run a check over a period at one state of the lake; nothing is written."""
    run = run or Run("", ctx.domain.name, "check", which.name)
    findings = which.measure(ctx.pinned(), period, run)
    run.metrics |= {"results": len(findings.results), "short": len(findings.short())}
    checked_at = ctx.records.now()
    of_run = {
        "run": run.run,
        "check": which.name,
        "checked_at": checked_at,
        "window_begin": period.begin,
        "window_end": period.end,
        KNOWN_AT: checked_at,
    }
    return Checked(which.name, findings, of_run)
