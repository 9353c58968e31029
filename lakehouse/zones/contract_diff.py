"""How the shape of what is delivered differs from what its contract says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from lakehouse.context import Context
from lakehouse.declare.contract import Column
from lakehouse.declare.tables import Cleaned
from lakehouse.engines.protocol import Frame
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind
from lakehouse.language.provenance import delivered_columns
from lakehouse.language.sql import literals
from lakehouse.zones.typing_grammar import blank, typed

_WIDER: dict[Kind, tuple[Kind, ...]] = {
    "int": ("decimal", "float"),
    "decimal": ("decimal", "float"),
    "date": ("timestamp",),
    "bool": ("int",),
}
_GUESSES: tuple[Kind, ...] = ("int", "float", "bool", "date", "timestamp")


@dataclass(frozen=True)
class Difference:
    """One column that the newest deliveries bring otherwise than the contract says.

    'new': delivered and not in the contract; 'missing': in the contract and without a value in a
    whole delivery (where null is allowed: in all of them); 'widened': with values that the declared
    type refuses and a wider one reads.
    """

    column: str
    kind: Literal["new", "missing", "widened"]
    detail: str


def diff(ctx: Context, table: Cleaned) -> list[Difference]:
    """Compare the newest raw batch with the contract, column by column; values are not shown."""
    ref = ctx.table_of(table.raw)
    if not ref.exists():
        return []
    rows = ctx.engine.read(ref, where=f"`_batch` = {ref.applied()}")
    delivered = delivered_columns(ctx.engine.columns(rows))
    named = {c.name for c in table.columns}
    found = [Difference(*d) for d in _missing(ctx, table, rows, delivered)]
    found += _widened(ctx, table, rows, delivered)
    found += _new(ctx, rows, [c for c in delivered if c not in named])
    return found


def _missing(
    ctx: Context, table: Cleaned, rows: Frame, delivered: list[str]
) -> Iterator[tuple[str, Literal["missing"], str]]:
    counts = ", ".join(
        f"COUNT(CASE WHEN NOT ({blank(c, literals.name(c.name))}) THEN 1 END) AS `filled_{i}`"
        for i, c in enumerate(table.columns)
        if c.name in delivered
    )
    per_delivery = _rows(
        ctx,
        f"SELECT COUNT(*) AS `rows`, {counts or '0'} FROM raw "
        "WHERE `_unparsed` IS NULL GROUP BY `_delivery`",
        rows,
    )
    for i, column in enumerate(table.columns):
        without = [d for d in per_delivery if not d.get(f"filled_{i}")]
        if without and (not column.nullable or len(without) == len(per_delivery)):
            yield (
                column.name,
                "missing",
                f"no value in {len(without)} of the {len(per_delivery)} newest deliveries "
                f"({sum(d['rows'] for d in without)} rows); "
                + (
                    "the contract allows null"
                    if column.nullable
                    else "the contract does not allow null: declare it as `| None` to accept that"
                ),
            )


def _widened(ctx: Context, table: Cleaned, rows: Frame, delivered: list[str]) -> list[Difference]:
    tried = [
        (column, wider)
        for column in table.columns
        if column.name in delivered
        for wider in _wider(column)
    ]
    if not tried:
        return []
    counts = []
    for i, (column, wider) in enumerate(tried):
        text = literals.name(column.name)
        refused = f"NOT ({blank(column, text)}) AND ({typed(column, text)}) IS NULL"
        counts.append(f"COUNT(CASE WHEN {refused} THEN 1 END) AS `refused_{i}`")
        counts.append(
            f"COUNT(CASE WHEN {refused} AND ({typed(wider, text)}) IS NOT NULL THEN 1 END) "
            f"AS `read_{i}`"
        )
    counted = _rows(ctx, f"SELECT {', '.join(counts)} FROM raw", rows)[0]
    best: dict[str, tuple[int, Column, int]] = {}
    for i, (column, wider) in enumerate(tried):
        read = counted[f"read_{i}"]
        if read > best.get(column.name, (0, wider, 0))[0]:
            best[column.name] = (read, wider, counted[f"refused_{i}"])
    return [
        Difference(
            name,
            "widened",
            f"{read} of {refused} values that are no {_said(table.contract.column(name))} "
            f"read as {_said(wider)}",
        )
        for name, (read, wider, refused) in best.items()
    ]


def _wider(column: Column) -> Iterator[Column]:
    """The columns of wider types to try, narrowest first."""
    for kind in _WIDER.get(column.kind, ()):
        if kind == "decimal":
            for scale in range((column.scale or 0) + 1, 7):
                if scale < MAX_DECIMAL_PRECISION:
                    yield replace(column, kind=kind, scale=scale)
        else:
            yield replace(column, kind=kind, scale=None)


def _new(ctx: Context, rows: Frame, columns: list[str]) -> list[Difference]:
    counts = ["COUNT(*) AS `rows`"]
    for i, name in enumerate(columns):
        text = literals.name(name)
        filled = f"COALESCE({text}, '') <> ''"
        counts.append(f"COUNT(CASE WHEN {filled} THEN 1 END) AS `filled_{i}`")
        counts += [
            f"COUNT(CASE WHEN {filled} AND ({typed(Column(name, kind), text)}) IS NOT NULL "
            f"THEN 1 END) AS `{kind}_{i}`"
            for kind in _GUESSES
        ]
    counted = _rows(ctx, f"SELECT {', '.join(counts)} FROM raw", rows)[0]
    found = []
    for i, name in enumerate(columns):
        filled = counted[f"filled_{i}"]
        if not filled:
            continue  # brought by older deliveries only
        kind = next((k for k in _GUESSES if counted[f"{k}_{i}"] == filled), "string")
        found.append(
            Difference(
                name,
                "new",
                f"in {filled} of the {counted['rows']} newest rows; every value reads as {kind}; "
                "raw keeps it, and the contract may name it",
            )
        )
    return found


def _said(column: Column) -> str:
    return f"decimal of scale {column.scale}" if column.kind == "decimal" else column.kind


def _rows(ctx: Context, sql: str, raw: Frame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ctx.engine.to_arrow(
        ctx.engine.query(sql, {"raw": raw})
    ).to_pylist()
    return found
