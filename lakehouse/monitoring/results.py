"""What a check gives: rows of one results table, which alerts, gates, reports and pages read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa

from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.records.store import iso

TABLE = "check_results"
"""The curated table of a domain that every check of it appends its rows to."""
PASS, FAIL, UNKNOWN, INFO = "pass", "fail", "unknown", "info"
VERDICTS = (PASS, FAIL, UNKNOWN, INFO)
"""Within its threshold; beyond it; nobody can tell; and a figure that nothing is asked of."""
SHORT = (FAIL, UNKNOWN)
"""The verdicts that somebody has to look at."""

_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("check", pa.string()),
        ("checked_at", _TIME),
        ("window_begin", _TIME),
        ("window_end", _TIME),
        ("subject", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("reference", pa.string()),
        ("threshold", pa.float64()),
        ("verdict", pa.string()),
        ("cause", pa.string()),
        ("message", pa.string()),
        ("detail", pa.string()),
        (KNOWN_AT, _TIME),
    ]
)
"""The columns of the results table: one row for each metric of a subject in a run of a check."""


@dataclass(frozen=True)
class Result:
    """One metric of one subject.

    `subject` is what was looked at: a table, "view.feature", a model. `value` is null where there
    is none, and is held against `threshold`, in the metric's own unit, and against what `reference`
    names, as "history". `cause` is a word for why it falls short, the same for the same kind of
    fault, and `message` a sentence for whoever is woken. `detail` is further plain data. None of
    these holds a personal value. Raises DeclarationError for a verdict that there is not, and for
    one that falls short without a cause.
    """

    subject: str
    metric: str
    value: float | None
    verdict: str = INFO
    reference: str | None = None
    threshold: float | None = None
    cause: str | None = None
    message: str = ""
    detail: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        where = f"Metric '{self.metric}' of '{self.subject}'"
        if self.verdict not in VERDICTS:
            raise DeclarationError(unknown("verdict", self.verdict, VERDICTS, where))
        if self.falls_short and not self.cause:
            raise DeclarationError(f"{where} falls short and names no cause; give one in a word.")

    @property
    def falls_short(self) -> bool:
        """Whether somebody has to look at it: beyond its threshold, or not to be told."""
        return self.verdict in SHORT

    def document(self) -> dict[str, Any]:
        """The row as plain data, as JSON carries it."""
        return {name: json_value(value) for name, value in vars(self).items()}


def as_table(results: Sequence[Result], of_run: Mapping[str, Any]) -> Any:
    """Results as an Arrow table of `SCHEMA`; `of_run` holds the columns that a run's rows share."""
    rows = [
        {
            **of_run,
            **vars(result),
            "message": result.message or None,
            "detail": None if result.detail is None else json.dumps(json_value(result.detail)),
        }
        for result in results
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def json_value(value: Any) -> Any:
    """A value as JSON carries it; what JSON has no number for as text.

    >>> json_value(Decimal("1.50")), json_value(float("nan")), json_value([Decimal("1")])
    ('1.50', 'nan', ['1'])
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: json_value(each) for name, each in value.items()}
    return [json_value(each) for each in value] if isinstance(value, list | tuple) else value
