"""A curated result against its contract, before it is written."""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.declare.tables import Curated
from lakehouse.engines.protocol import Frame
from lakehouse.errors import ContractViolation
from lakehouse.language.sql import literals
from lakehouse.zones.checks import Check, value_checks
from lakehouse.zones.violation import EXAMPLES, MASK


def check_result(ctx: Context, table: Curated, result: Frame) -> int:
    """Return a result's rows; raises ContractViolation if it fails a check or repeats a key."""
    checks = [
        *(
            Check(c.name, "nullable", f"{literals.name(c.name)} IS NULL")
            for c in table.columns
            if not c.nullable
        ),
        *(check for c in table.columns for check in value_checks(c)),
    ]
    failing = "".join(
        f", COUNT(CASE WHEN {check.fails} THEN 1 END) AS `failed_{i}`"
        for i, check in enumerate(checks)
    )
    sums = "".join(f", SUM(`failed_{i}`) AS `failed_{i}`" for i in range(len(checks)))
    by = f" GROUP BY {literals.names(table.keys)}" if table.keys else ""
    counted = ctx.engine.query(
        "SELECT SUM(`rows_of_key`) AS `rows`, "
        f"COUNT(CASE WHEN `rows_of_key` > 1 THEN 1 END) AS `repeated`{sums} "
        f"FROM (SELECT COUNT(*) AS `rows_of_key`{failing} FROM result{by}) k",
        {"result": result},
    )
    found = {n: int(v or 0) for n, v in ctx.engine.to_arrow(counted).to_pylist()[0].items()}
    for i, check in enumerate(checks):
        if found[f"failed_{i}"]:
            raise _fails(ctx, table, result, check, found[f"failed_{i}"], found["rows"])
    if table.keys and found["repeated"]:
        raise _repeats(ctx, table, result, found["repeated"])
    for column in table.columns:
        if column.unique:
            _unique(ctx, table, result, column.name)
    return found["rows"]


def _fails(
    ctx: Context, table: Curated, result: Frame, check: Check, failed: int, rows: int
) -> ContractViolation:
    shown = table.keys or (check.column,)
    bound = "" if check.name == "nullable" else f" {getattr(_column(table, check), check.name)!r}"
    examples = _examples(
        ctx, table, dict.fromkeys((*shown, check.column)), result, f"WHERE {check.fails}"
    )
    return ContractViolation(
        f"Curated table '{table.name}': {failed} of {rows} rows fail {check.name}{bound} in column "
        f"'{check.column}' of contract {table.contract.name}. Nothing was written.\n{examples}\n"
        "Mend the SQL, or what the contract says."
    )


def _repeats(ctx: Context, table: Curated, result: Frame, repeated: int) -> ContractViolation:
    keys = literals.names(table.keys)
    examples = _examples(
        ctx, table, dict.fromkeys(table.keys), result, f"GROUP BY {keys} HAVING COUNT(*) > 1"
    )
    return ContractViolation(
        f"Curated table '{table.name}': {repeated} keys stand in several rows of its result. "
        f"Nothing was written.\n{examples}\nJoin on the whole key of each input, or group; of a "
        "table with on_conflict='history' the SQL sees every version."
    )


def _unique(ctx: Context, table: Curated, result: Frame, column: str) -> None:
    name = literals.name(column)
    again = f"WHERE {name} IS NOT NULL GROUP BY {name} HAVING COUNT(*) > 1"
    examples = _examples(ctx, table, {column: None}, result, again)
    if examples:
        raise ContractViolation(
            f"Curated table '{table.name}': column '{column}' is declared unique and its result "
            f"repeats values. Nothing was written.\n{examples}\nMend the SQL, or what the contract "
            "says."
        )


def _column(table: Curated, check: Check) -> object:
    return table.contract.column(check.column)


def _examples(
    ctx: Context, table: Curated, columns: dict[str, None], result: Frame, which: str
) -> str:
    """At most five rows as text, personal columns masked."""
    names = literals.names(columns)
    found = ctx.engine.query(
        f"SELECT {names} FROM result {which} ORDER BY {names} LIMIT {EXAMPLES}",
        {"result": result},
    )
    personal = set(table.contract.personal)
    return "\n".join(
        "  " + ", ".join(f"{n} = {MASK if n in personal else v}" for n, v in row.items())
        for row in ctx.engine.to_arrow(found).to_pylist()
    )
