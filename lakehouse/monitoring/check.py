"""What a check is: it takes a domain's tables, a period and a reference, and gives results.

A check is a class without arguments, an entry point of the group `lakehouse.checks` under its own
name. It says nothing of how it is run: reading at one state of the lake, writing down what it
finds, exit codes and printing are the same for all (`lakehouse.monitoring.checking`). To join the
family, pass every check of `lakehouse.testing.check_conformance`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lakehouse import plugins
from lakehouse.context import Context
from lakehouse.errors import LakehouseError
from lakehouse.language.sql import literals
from lakehouse.monitoring.results import Result
from lakehouse.records.store import Run
from lakehouse.times import microseconds

GROUP = "lakehouse.checks"


@dataclass(frozen=True)
class Period:
    """The times begin ≤ t < end that a check looks at, by the lake's clock; None is without bound.

    Raises LakehouseError for one that holds no time.
    """

    begin: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.begin is not None and self.end is not None and self.begin >= self.end:
            raise LakehouseError(
                f"No time lies from {self.begin.isoformat()} until {self.end.isoformat()}; name a "
                "later end."
            )

    def condition(self, time: str) -> str | None:
        """The period as portable SQL about a column of times; None where it has no bound.

        >>> Period(begin=datetime(2018, 9, 1)).condition("paid_at")
        "`paid_at` >= TIMESTAMP '2018-09-01 00:00:00.000000+00:00'"
        """
        bounds = [
            f"{literals.name(time)} {sign} {literals.timestamp(microseconds(at))}"
            for sign, at in ((">=", self.begin), ("<", self.end))
            if at is not None
        ]
        return " AND ".join(bounds) or None


@dataclass(frozen=True)
class Findings:
    """What a check found in a period.

    `summary` says it in a sentence, also, and above all, where there was nothing to check and
    there are no `results`. `notes` are what else a reader has to know.
    """

    results: tuple[Result, ...]
    summary: str
    notes: tuple[str, ...] = ()

    def short(self, allow: Collection[str] = ()) -> list[Result]:
        """The results that fall short, but for those with a cause that is allowed."""
        return [r for r in self.results if r.falls_short and r.cause not in allow]

    def holds(self, allow: Collection[str] = ()) -> bool:
        """Whether nothing falls short, but for causes that are allowed."""
        return not self.short(allow)


class Check(Protocol):
    """One check. Implementations are entry points of the group `lakehouse.checks`."""

    @property
    def name(self) -> str:
        """The name that it is asked for by, and that its results carry."""
        ...

    def measure(self, ctx: Context, period: Period, run: Run) -> Findings:
        """Measure what lies in the period; the same lake and period give the same findings.

        `ctx` is pinned to one state of the lake, and what is read of it is noted on `run`. A table
        that is read at another version too stands in `run.metrics["also_at"]`, by table the
        versions. Nothing is written.
        """
        ...


def names() -> list[str]:
    """The checks installed, by name."""
    return plugins.names(GROUP)


def load(name: str) -> Check:
    """Load the check of that name from its entry point; raises NotFound naming those there are."""
    check: Check = plugins.load(GROUP, "check", name)()
    if check.name != name:
        raise LakehouseError(f"Entry point '{name}' gives a check called '{check.name}'.")
    return check
