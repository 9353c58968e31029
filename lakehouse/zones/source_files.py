"""The files of a source that lie in a domain's landing folder, and when each was delivered."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.declare.tables import DELIVERED, Source

_PACKED = r"(?:\.gz|\.zst)?"
_TEMPORARY = (".part", ".tmp")
_MOMENT = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})"
    r"(?:[T_ ](\d{2})(?:[-:]?(\d{2})(?:[-:]?(\d{2})(?:\.(\d{1,6}))?)?)?)?Z?",
    re.ASCII,
)


@dataclass(frozen=True)
class SourceFile:
    """A file that belongs to a source. `path` is relative to the landing folder, with `/`.

    `delivered_at` is the time its name declares; `reason` says why it cannot be told.
    """

    path: str
    size: int
    mtime_ns: int
    delivered_at: datetime | None = None
    reason: str | None = None


def find(landing: Path, source: Source) -> list[SourceFile]:
    """Return the source's files in a landing folder, ordered by declared time and path.

    Names that begin with a dot or end in .part or .tmp are files still being written. A source
    of `*.csv` or `*.jsonl` takes packed files (.gz, .zst) too.
    """
    pattern = _pattern(source.path)
    found = []
    for folder, folders, names in os.walk(landing / _fixed_part(source.path)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(landing).as_posix()
            matched = pattern.fullmatch(relative)
            if matched is None or name.startswith(".") or name.lower().endswith(_TEMPORARY):
                continue
            status = path.stat()
            file = SourceFile(relative, status.st_size, status.st_mtime_ns)
            if DELIVERED in source.path:
                file = _dated(file, matched["delivered_at"])
            found.append(file)
    return sorted(found, key=order)


def order(file: SourceFile) -> tuple[datetime, str]:
    """Deliveries of one batch stand in the order of their declared times, then of their paths."""
    return file.delivered_at or datetime.min.replace(tzinfo=UTC), file.path


def declared_time(text: str) -> datetime | None:
    """Read a date or a time of UTC as it stands in a file's name, None if it is none.

    >>> declared_time("2013-02-01T06-30").isoformat(), declared_time("february")
    ('2013-02-01T06:30:00+00:00', None)
    """
    matched = _MOMENT.fullmatch(text)
    if matched is None:
        return None
    *parts, fraction = matched.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    microsecond = int((fraction or "").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:
        return None


def content_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def delivery_id(domain: str, source: str, path: str, content: str, before: int = 0) -> str:
    """The name of a delivery: of a file by where it lies and what it holds.

    `before` counts deliveries of the same path and content that others have followed: a file that
    holds again what it held once is delivered again.
    """
    named = json.dumps([domain, source, path, content, *([before] if before else [])])
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _dated(file: SourceFile, text: str) -> SourceFile:
    at = declared_time(text)
    if at is not None:
        return SourceFile(file.path, file.size, file.mtime_ns, at)
    reason = (
        f"its name says '{text}' where the source expects {DELIVERED}; write a date or a time of "
        "UTC such as 2013-02-01 or 2013-02-01T06-30-00"
    )
    return SourceFile(file.path, file.size, file.mtime_ns, reason=reason)


def _fixed_part(glob: str) -> str:
    """The folders of a source's path before the first one that may vary.

    >>> _fixed_part("stock/berlin/*/{delivered_at}.csv")
    'stock/berlin'
    """
    folders = glob.split("/")[:-1]
    fixed = itertools.takewhile(lambda name: not set("*?{") & set(name), folders)
    return "/".join(fixed)


def _pattern(glob: str) -> re.Pattern[str]:
    """A source's path as a regular expression over whole relative paths."""
    parts, at, dated = [], 0, False
    for token in re.finditer(r"\{delivered_at\}|\*\*/|\*|\?", glob):
        parts.append(re.escape(glob[at : token.start()]))
        at = token.end()
        if token[0] == DELIVERED:
            parts.append("(?P=delivered_at)" if dated else "(?P<delivered_at>[^/]+)")
            dated = True
        else:
            parts.append({"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}[token[0]])
    parts.append(re.escape(glob[at:]))
    packed = _PACKED if glob.endswith((".csv", ".jsonl")) else ""
    return re.compile("".join(parts) + packed)
