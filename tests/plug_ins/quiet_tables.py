"""A check as somebody else would bring it: whether any table of a domain has become quiet."""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.monitoring.check import Findings, Period
from lakehouse.monitoring.results import FAIL, PASS, Result
from lakehouse.records.store import Run

ENOUGH = 3


class QuietTables:
    """Counts the rows that each cleaned table has in the period; fewer than three are quiet.

    A table that has none there is not looked at: it may have none yet.
    """

    name = "quiet_tables"

    def measure(self, ctx: Context, period: Period, run: Run) -> Findings:
        results = []
        for table in ctx.domain.cleaned:
            time = table.event_time
            if time is None or ctx.table_of(table).id not in (ctx.pins or {}):
                continue
            rows = ctx.read(table, run, columns=[time], where=period.condition(time))
            counted = ctx.engine.to_arrow(
                ctx.engine.query("SELECT count(*) AS n FROM rows", {"rows": rows})
            )
            (number,) = counted["n"].to_pylist()
            if number:
                results.append(_result(table.name, number))
        quiet = sum(result.falls_short for result in results)
        summary = (
            f"{quiet} of {len(results)} tables are quiet." if results else "No table has rows."
        )
        return Findings(tuple(results), summary)


def _result(table: str, number: int) -> Result:
    quiet = number < ENOUGH
    return Result(
        table,
        "rows",
        float(number),
        verdict=FAIL if quiet else PASS,
        threshold=float(ENOUGH),
        cause="quiet" if quiet else None,
        message=f"{table} has {number} rows where {ENOUGH} are the least" if quiet else "",
    )
