"""Rows that break a contract, said so that a person can find and mend them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse.declare.contract import ContractSpec
from lakehouse.errors import ContractViolation
from lakehouse.language.provenance import DELIVERY, REASONS, ROW
from lakehouse.records.deliveries import paths_of
from lakehouse.zones.settled_rows import broken_rows
from lakehouse.zones.settling import Settled
from lakehouse.zones.typing_grammar import expected

EXAMPLES = 5
MASK = "***"


def stop_if_broken(settled: Settled) -> None:
    """Raise ContractViolation if the table stops at broken rows and there are any."""
    table, ctx = settled.pending.table, settled.pending.ctx
    if table.on_violation != "stop" or not settled.failed:
        return
    first = ctx.engine.to_arrow(
        ctx.engine.query(
            "SELECT `_delivery`, `_row`, `_reasons` FROM broken "
            f"ORDER BY `_batch`, `_delivery`, `_row` LIMIT {EXAMPLES}",
            {"broken": broken_rows(settled)},
        )
    ).to_pylist()
    paths = paths_of(ctx.records, [row[DELIVERY] for row in first])
    lines = [
        f"  {paths.get(row[DELIVERY], row[DELIVERY])}, row {row[ROW]}: "
        f"{said(table.contract, row[REASONS][0])}"
        for row in first
    ]
    more = f"\n  … and {settled.failed - len(first)} more" if settled.failed > len(first) else ""
    raise ContractViolation(
        f"Table '{table.name}' stops at rows that break contract {table.contract.name}: "
        f"{settled.failed} of {settled.rows}. Nothing was written.\n"
        + "\n".join(lines)
        + more
        + "\n"
        "Have the rows delivered right, mend the contract, or declare on_violation='quarantine'."
    )


def said(contract: ContractSpec, reason: Mapping[str, Any]) -> str:
    """One reason as words, its value masked where it is personal."""
    column, check = reason["column"], reason["check"]
    if check == "unparsed":
        return f"the line cannot be read: {masked(contract, reason)}"
    if check == "nullable":
        return f"{column} is missing"
    if check == "dtype":
        return f"{column} = {masked(contract, reason)} is not {expected(contract.column(column))}"
    if check == "conflict":
        return f"key {column} stands with other content in {reason['value']}"
    bound = "" if check == "unique" else f" {getattr(contract.column(column), check)!r}"
    return f"{column} = {masked(contract, reason)} fails {check}{bound}"


def masked(contract: ContractSpec, reason: Mapping[str, Any]) -> str | None:
    """The value of a reason in quotes; `***` where it is personal, or a line with personal data."""
    value: str | None = reason["value"]
    if value is None or reason["check"] == "conflict":
        return value
    column = contract.by_name.get(reason["column"])
    personal = column.personal if column is not None else bool(contract.personal)
    return MASK if personal else f"'{value}'"
