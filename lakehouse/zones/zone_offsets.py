"""Local times of an IANA zone as UTC, by constants in the SQL instead of an engine's own rules.

Engines bring different editions of the zone database and settle doubled and skipped hours
differently. Here the changes of a zone are read once from Python's `zoneinfo` and written into
the expression, so every engine gives the same moment.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakehouse.errors import DeclarationError

FIRST_YEAR, LAST_YEAR = 1970, 2069
"""Years whose changes are known; before and after them the nearest offset holds."""


@lru_cache(maxsize=64)
def local_offsets(zone: str) -> tuple[tuple[datetime, int | None], ...]:
    """List from which local time on which offset holds: (naive local time, seconds or None).

    None stands for the hour that a change skips. Of an hour that comes twice the first is
    meant. Raises DeclarationError for a zone that does not exist.

    >>> [(str(at), s) for at, s in local_offsets("Europe/Berlin") if at.year == 2018]
    [('2018-03-25 02:00:00', None), ('2018-03-25 03:00:00', 7200), ('2018-10-28 03:00:00', 3600)]
    """
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DeclarationError(
            f"Time zone '{zone}' does not exist; write an IANA name such as 'Europe/Berlin'."
        ) from error

    def offset(at: datetime) -> int:
        return int((at.astimezone(rules).utcoffset() or timedelta(0)).total_seconds())

    at = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
    before = offset(at)
    found: list[tuple[datetime, int | None]] = [(datetime(1, 1, 1), before)]  # noqa: DTZ001 - local times are naive
    while at < end:
        step = timedelta(days=1)
        after = offset(at + step)
        if after != before:
            low, high = at, at + step
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            change = high.replace(tzinfo=None)
            if after > before:
                found.append((change + timedelta(seconds=before), None))
                found.append((change + timedelta(seconds=after), after))
            else:
                found.append((change + timedelta(seconds=before), after))
            before = after
        at += step
    return tuple(found)


def as_utc_sql(zone: str, local_text: str) -> str:
    """The moment of a local time as SQL; null in a skipped hour and for a day that does not exist.

    `local_text` is an SQL expression of the form `YYYY-MM-DD HH:MM:SS[.ffffff]`, whose order as
    text is its order in time. It is written once, as a lambda's argument: the choice among a
    zone's hundreds of changes names it again and again.
    """
    seconds = f"TRANSFORM(ARRAY({local_text}), _at -> {_choice(local_offsets(zone))})[0]"
    as_if_utc = f"TRY_CAST(CONCAT({local_text}, 'Z') AS TIMESTAMP)"
    return f"TIMESTAMPADD(SECOND, {seconds}, {as_if_utc})"


def _choice(offsets: tuple[tuple[datetime, int | None], ...]) -> str:
    """The seconds to add to the local time `_at`, found by halving."""
    if len(offsets) == 1:
        seconds = offsets[0][1]
        return "NULL" if seconds is None else str(-seconds)
    half = len(offsets) // 2
    split = offsets[half][0].isoformat(sep=" ", timespec="seconds")
    before, after = _choice(offsets[:half]), _choice(offsets[half:])
    return f"CASE WHEN _at < '{split}' THEN {before} ELSE {after} END"
