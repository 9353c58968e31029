"""What a source says to files of another shape than its contract."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.tables import Source


def refusal(source: Source, names: Sequence[str], rows: int) -> str | None:
    """Why a file of these columns is not taken in, None if it is; an empty file is.

    A column that the contract does not let be null must be there. The source decides on further
    columns, and on columns that may be null.
    """
    if not names and rows == 0:
        return None
    contract = source.contract
    missing = [
        c.name
        for c in contract.columns
        if c.name not in names and (not c.nullable or source.on_missing_column == "refuse")
    ]
    if missing:
        has = f"the file has {_listed(names)}" if names else "no line of the file could be read"
        of = f"of contract {contract.name}"
        verb = "is" if len(missing) == 1 else "are"
        return f"{_columns(missing)} {of} {verb} missing; {has}"
    further = [name for name in names if name not in contract.by_name]
    if further and source.on_new_column == "refuse":
        return (
            f"contract {contract.name} has no {_columns(further)}, and source '{source.name}' "
            "refuses new columns"
        )
    return None


def _columns(names: Sequence[str]) -> str:
    return f"column{'' if len(names) == 1 else 's'} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"'{name}'" for name in names[:5]) + more
