"""What a process calls the files that it writes itself, so that a source takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from lakehouse.declare.tables import DELIVERED, Source
from lakehouse.errors import LakehouseError

_STEM = "{stem}"


class NoPlace(LakehouseError):
    """A source takes no files that a process could write."""


@dataclass(frozen=True)
class Place:
    """A folder below a domain's landing folder, and a template of the names of files in it."""

    folder: PurePosixPath
    template: str

    def named(self, stem: str) -> str:
        """The name of a file, from a stem of its own: letters, digits and hyphens."""
        return self.template.replace(_STEM, stem)


def place_of(source: Source, endings: Sequence[str]) -> Place:
    """Where files of these kinds land that the source takes, whatever their stems.

    The first of `endings` is that of a source which takes any. Raises NoPlace for a path that
    takes no such file in one certain folder.

    >>> from lakehouse.declare.contract import Column, ContractSpec
    >>> report = ContractSpec("Report", (Column("reported_at", "timestamp", known_at=True),))
    >>> place_of(Source("reports", report, path="fraud_reports/*"), [".jsonl"])
    Place(folder=PurePosixPath('fraud_reports'), template='{stem}.jsonl')
    """
    *folders, last = source.path.split("/")
    fixed = last.replace("*", _STEM, 1).replace("*", "")
    named = [*(f"{_STEM}{e}" for e in endings), fixed, *(f"{fixed}{e}" for e in endings)]
    if DELIVERED in source.path:
        raise NoPlace(_refusal(source, f"wants {DELIVERED} in the name"))
    if any(c in folder for folder in folders for c in "*?["):
        raise NoPlace(_refusal(source, "names no one folder"))
    for template in named:
        name = template.replace(_STEM, "feedback-1-2-3")
        if _STEM in template and name.endswith(tuple(endings)) and fnmatchcase(name, last):
            return Place(PurePosixPath(*folders), template)
    raise NoPlace(_refusal(source, f"takes no {' or '.join(endings)} file of any name"))


def _refusal(source: Source, why: str) -> str:
    return (
        f"Source '{source.name}' {why} (path '{source.path}'), so rows that are sent here cannot "
        "land there; declare a path such as 'reports/*'."
    )
