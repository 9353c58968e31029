"""Functions of timestamps and dates, in UTC; a date is its midnight.

Units are named, and counted, as in portable SQL: `timestampdiff('hour', start, end)` is its
`timestampdiff(HOUR, start, end)`.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from lakehouse.language.expressions.function import Constant, Function, Takes, always
from lakehouse.language.expressions.nodes import Call, Node
from lakehouse.language.expressions.python_forms import strict
from lakehouse.language.expressions.sql_forms import constant, form
from lakehouse.language.expressions.values import Undefined, utc

LENGTHS = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
"""Units that are always equally long: a day is 24 hours of UTC."""
MONTHS = {"year": 12, "quarter": 3, "month": 1}
"""Units of the calendar, in months."""
UNITS = (*MONTHS, *LENGTHS)

TIMESTAMP = Takes(("timestamp",))
TIME = Takes(("timestamp", "date"))
UNIT = Takes(
    ("string",),
    constant=Constant(lambda value: value in UNITS, f"one of {', '.join(UNITS)} in quotes", UNITS),
)
_COUNTS = range(-(2**31), 2**31)


def _unit(call: Call) -> str:
    return constant(call, 0)


def _part(name: str, gives: str, of: Callable[[datetime], int], takes: Takes = TIME) -> Function:
    return Function(
        name=name,
        written=f"{name}(t)",
        gives=gives,
        takes=(takes,),
        kind="int",
        sql=form(f"CAST({name.upper()}({{0}}) AS BIGINT)"),
        python=strict(lambda at: of(utc(at))),
    )


def _difference(unit: str, start: date, end: date) -> int:
    first, last = utc(start), utc(end)
    if unit in LENGTHS:
        elapsed, length = last - first, LENGTHS[unit]
        return elapsed // length if elapsed >= timedelta() else -(-elapsed // length)
    months = (last.year - first.year) * 12 + last.month - first.month
    within_first, within_last = (at - _truncated("month", at) for at in (first, last))
    if months > 0 and within_last < within_first:
        months -= 1
    elif months < 0 and within_last > within_first:
        months += 1
    return months // MONTHS[unit] if months >= 0 else -(-months // MONTHS[unit])


def _moved(unit: str, count: int, at: date) -> datetime:
    if count not in _COUNTS:
        raise Undefined(f"overflow, {count} does not fit 32 bits.")
    try:
        if unit in LENGTHS:
            return utc(at) + count * LENGTHS[unit]
        return _months_later(utc(at), count * MONTHS[unit])
    except (OverflowError, ValueError):
        raise Undefined(f"overflow, {_BEYOND}.") from None


def _months_later(at: datetime, months: int) -> datetime:
    """The same day and time of another month, or its last day where it has none."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    _, last_day = monthrange(year, month + 1)
    return at.replace(year=year, month=month + 1, day=min(at.day, last_day))


def _truncated(unit: str, at: date) -> datetime:
    moment = utc(at)
    if unit in MONTHS:
        month = (moment.month - 1) // MONTHS[unit] * MONTHS[unit] + 1
        return datetime(moment.year, month, 1, tzinfo=UTC)
    monday = datetime(1, 1, 1, tzinfo=UTC)
    return moment - (moment - monday) % LENGTHS[unit]


def _difference_sql(call: Call, write: Callable[[Node], str]) -> str:
    return f"TIMESTAMPDIFF({_unit(call)}, {', '.join(map(write, call.arguments[1:]))})"


def _moved_sql(call: Call, write: Callable[[Node], str]) -> str:
    """Engines go on to years that no other place can hold, so what leaves the known ones raises."""
    count, at = map(write, call.arguments[1:])
    moved = f"TIMESTAMPADD({_unit(call)}, CAST({count} AS INT), {at})"
    return (
        f"CASE WHEN {at} IS NULL THEN NULL "
        f"WHEN {moved} NOT BETWEEN CAST('0001-01-01' AS TIMESTAMP) "
        "AND CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP) "
        f"THEN RAISE_ERROR('overflow: {_BEYOND}') ELSE {moved} END"
    )


def _truncated_sql(call: Call, write: Callable[[Node], str]) -> str:
    return f"DATE_TRUNC('{_unit(call)}', {write(call.arguments[1])})"


_BEYOND = "a time before the year 1 or after 9999"

FUNCTIONS = (
    _part("year", "the year", lambda at: at.year),
    _part("quarter", "the quarter of the year, from 1", lambda at: (at.month + 2) // 3),
    _part("month", "the month, from 1", lambda at: at.month),
    _part("weekofyear", "the ISO week, from 1", lambda at: at.isocalendar().week),
    _part("day", "the day of the month, from 1", lambda at: at.day),
    _part("dayofyear", "the day of the year, from 1", lambda at: at.timetuple().tm_yday),
    _part("weekday", "0 for Monday to 6 for Sunday", datetime.weekday),
    _part("hour", "the hour of a timestamp", lambda at: at.hour, TIMESTAMP),
    _part("minute", "the minute of a timestamp", lambda at: at.minute, TIMESTAMP),
    _part("second", "the whole second of a timestamp", lambda at: at.second, TIMESTAMP),
    Function(
        name="timestampdiff",
        written="timestampdiff('hour', start, end)",
        gives="the whole units from start to end, an int; below 0 where end is first",
        takes=(UNIT, TIME, TIME),
        kind="int",
        sql=_difference_sql,
        python=strict(_difference),
    ),
    Function(
        name="timestampadd",
        written="timestampadd('day', n, t)",
        gives="the timestamp n units after t, before it for n below 0; a month keeps the day, or "
        "ends with its last",
        takes=(UNIT, Takes(("int",)), TIME),
        kind="timestamp",
        sql=_moved_sql,
        python=strict(_moved),
        raises=always,
    ),
    Function(
        name="date_trunc",
        written="date_trunc('month', t)",
        gives="the timestamp at which the unit that holds t begins; a week begins on Monday",
        takes=(UNIT, TIME),
        kind="timestamp",
        sql=_truncated_sql,
        python=strict(_truncated),
    ),
    Function(
        name="to_date",
        written="to_date(t)",
        gives="the date of t",
        takes=(TIME,),
        kind="date",
        sql=form("CAST({0} AS DATE)"),
        python=strict(lambda at: utc(at).date()),
    ),
)
