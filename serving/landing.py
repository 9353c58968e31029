"""Where what the service writes lands, so that the sources that declare it take it in."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from lakehouse.declare.tables import DELIVERED, Source
from lakehouse.errors import LakehouseError


class NoPlace(LakehouseError):
    """A source takes no files that the service could write."""


def place(source: Source) -> tuple[PurePosixPath, str]:
    """Return the folder below the landing folder, and a template of file names.

    With a file's own stem for `{stem}` the template gives a name that the source's glob matches.
    Raises NoPlace for a glob that takes no `.jsonl` file in one certain folder.

    >>> from lakehouse.declare.contract import Column, ContractSpec
    >>> report = ContractSpec("Report", (Column("reported_at", "timestamp", known_at=True),))
    >>> place(Source("reports", report, path="fraud_reports/*"))
    (PurePosixPath('fraud_reports'), '{stem}.jsonl')
    """
    *folders, last = source.path.split("/")
    named = last.replace("*", "{stem}", 1).replace("*", "")
    for template in ("{stem}.jsonl", named, f"{named}.jsonl"):
        name = template.replace("{stem}", "feedback-1-2-3")
        if "*" in last and name.endswith(".jsonl") and fnmatchcase(name, last):
            break
    else:
        raise NoPlace(_refusal(source, "takes no JSON lines of any name"))
    if DELIVERED in source.path:
        raise NoPlace(_refusal(source, f"wants {DELIVERED} in the name"))
    if any(c in folder for folder in folders for c in "*?["):
        raise NoPlace(_refusal(source, "names no one folder"))
    return PurePosixPath(*folders), template


def _refusal(source: Source, why: str) -> str:
    return (
        f"Source '{source.name}' {why} (path '{source.path}'), so nothing sent to the service "
        "can land there; declare a path such as 'reports/*' and a known_at() column."
    )
