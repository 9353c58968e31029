"""Times as microseconds since the epoch, and back, exactly."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(us: int) -> datetime:
    """The UTC time of microseconds since the epoch, exactly."""
    seconds, micros = divmod(us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def microseconds(at: datetime) -> int:
    """Microseconds since the epoch of a time, exactly; a naive time is UTC."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    delta_ = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta_.days * 86_400 + delta_.seconds) * 1_000_000 + delta_.microseconds
