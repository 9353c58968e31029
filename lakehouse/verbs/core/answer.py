"""What a verb answers: one document for machines, and parts for people to read in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DONE, FAILED, LOOK = 0, 1, 3
"""Exit codes: done; a check that does not hold; done, but somebody has to look at it."""


@dataclass(frozen=True)
class Rows:
    """A table: rows of named values, all of their `columns` or those named, some set `right`."""

    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    columns: Sequence[str] = ()
    right: Sequence[str] = ()
    empty: str = "nothing"


@dataclass(frozen=True)
class Facts:
    """Names and values below each other."""

    facts: Mapping[str, Any]
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A line of text; `about` names what somebody has to look at."""

    text: str
    about: str = ""


Part = Rows | Facts | Line


@dataclass(frozen=True)
class Answer:
    """What a verb has done.

    `document` is plain data: a command prints it whole under --json, a job each of its elements
    on a line of its own; None is nothing to say. `code` is the exit code.
    """

    document: Any
    parts: Sequence[Part]
    code: int = DONE


def rows(
    listed: Sequence[Mapping[str, Any]], title: str = "", *, code: int = DONE, **shown: Any
) -> Answer:
    """An answer that is a table; `shown` are further fields of `Rows`."""
    return Answer([dict(row) for row in listed], (Rows(listed, title, **shown),), code)


def facts(named: Mapping[str, Any], title: str = "", *lines: str, code: int = DONE) -> Answer:
    """An answer that is names and values, and lines after them for people."""
    return Answer(dict(named), (Facts(named, title), *map(Line, lines)), code)


def said(text: str) -> Answer:
    """An answer that people read, and machines take from the exit code."""
    return Answer(None, (Line(text),))
