"""What a source says to files of another shape than its contract."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.tables import Source


def refusal(source: Source, found: Sequence[str], rows: int) -> str | None:
    """Why a file of these columns is not taken in, None if it is; an empty file is.

    A column that the contract does not let be null must be there. The source decides on further
    columns, and on columns that may be null.
    """
    if not found and rows == 0:
        return None
    contract = source.contract
    missing = [
        c.name
        for c in contract.columns
        if c.name not in found and (not c.nullable or source.on_missing_column == "refuse")
    ]
    if missing:
        has = f"it has {_listed(found)}" if found else "no line of it could be read"
        return f"{_columns(missing)} missing that contract {contract.name} has; {has}"
    further = [name for name in found if name not in contract.by_name]
    if further and source.on_new_column == "refuse":
        return (
            f"{_columns(further)} not in contract {contract.name}, and source '{source.name}' "
            "refuses new columns"
        )
    return None


def _columns(names: Sequence[str]) -> str:
    verb = "column {} is" if len(names) == 1 else "columns {} are"
    return verb.format(_listed(names))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"'{name}'" for name in names[:5]) + more
