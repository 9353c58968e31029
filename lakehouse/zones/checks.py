"""A contract's checks as portable SQL: one pass types every column and finds every failure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lakehouse.declare.contract import Column, ContractSpec
from lakehouse.language import patterns
from lakehouse.language.provenance import BATCH, CARRIED, IDENTITY
from lakehouse.language.sql import literals
from lakehouse.zones.typing_grammar import blank, literal, sql_type, typed

ARRIVAL = ("_place", BATCH, *IDENTITY)
"""Order of arrival; batch and delivery only tell apart what the records give no place."""
TEXT = "_text_"
"""The prefix of a column's delivered text beside its typed value."""
_COMPARISONS = {"ge": "<", "le": ">", "gt": "<=", "lt": ">="}


@dataclass(frozen=True)
class Check:
    """One check of one column, by pandera's name; `fails` is an SQL condition, never null.

    The condition names the typed column as it is declared and its text as `_text_<column>`.
    """

    column: str
    name: str
    fails: str


def checks_of(contract: ContractSpec) -> list[Check]:
    """Every check a contract makes of a row by itself, in the order of its columns.

    `nullable` fails where a value is missing, `dtype` where the text breaks the grammar; all
    others pass where the value is missing or not typed.

    >>> from lakehouse.declare.contract import Contract, column, key
    >>> class Payment(Contract):
    ...     payment_id: str = key()
    ...     amount: int | None = column(ge=0)
    >>> [(c.column, c.name) for c in checks_of(Payment.spec)]
    [('payment_id', 'nullable'), ('amount', 'dtype'), ('amount', 'ge')]
    """
    return [check for column in contract.columns for check in _checks(column)]


def read_sql(contract: ContractSpec, delivered: Collection[str]) -> str:
    """SQL over `pending`, rows of text: typed columns, each text as `_text_<column>`, provenance.

    `delivered` are the text columns that `pending` has; a contract's column not among them is
    null. A row is known by its own known-at column, as the contract reads it today.
    """
    texts = {c.name: _text(c.name, delivered) for c in contract.columns}
    further = [c for c in delivered if c not in texts]
    typed_columns = [
        f"{typed(c, texts[c.name])} AS {literals.name(c.name)}" for c in contract.columns
    ]
    kept = [f"{text} AS {literals.name(TEXT + name)}" for name, text in texts.items()]
    kept += [f"{literals.name(name)} AS {literals.name(TEXT + name)}" for name in further]
    known = contract.known_at
    known_at = typed(contract.column(known), texts[known]) if known else "`_known_at`"
    provenance = "`_delivery`, `_row`, `_batch`, `_unparsed`"
    return (
        f"SELECT {', '.join(typed_columns)}, {', '.join(kept)}, {provenance}, "
        f"{known_at} AS `_known_at` FROM pending"
    )


def _text(column: str, delivered: Collection[str]) -> str:
    return literals.name(column) if column in delivered else "CAST(NULL AS STRING)"


def judged_sql(contract: ContractSpec, with_cleaned: bool) -> str:
    """SQL over `read`: its rows with `_failed`, whether any check fails.

    Where the contract has unique columns it needs `deliveries` and, `with_cleaned`, the rows
    already `cleaned`.
    """
    failed = " OR ".join(["`_unparsed` IS NOT NULL", *map(_fails_any, contract.columns)])
    if not unique_columns(contract):
        return f"SELECT r.*, {failed} AS `_failed` FROM read r"
    return _judged_with_unique(contract, failed, with_cleaned)


def reasons(contract: ContractSpec) -> str:
    """Every failed check of a row as an array of (column, check, value), over judged rows.

    A line that did not parse has that one reason. `value` is the text as delivered.
    """
    unparsed = reason("", "unparsed", "`_unparsed`")
    found = [
        f"CASE WHEN {c.fails} THEN {reason(c.column, c.name, literals.name(TEXT + c.column))} END"
        for c in [*checks_of(contract), *(unique_check(c) for c in unique_columns(contract))]
    ]
    listed = f"FILTER(ARRAY({', '.join(found)}), _r -> _r IS NOT NULL)" if found else "ARRAY()"
    return f"CASE WHEN `_unparsed` IS NOT NULL THEN ARRAY({unparsed}) ELSE {listed} END"


def reason(column: str, check: str, value: str) -> str:
    """One reason as an SQL struct; `value` is an SQL expression."""
    return (
        f"NAMED_STRUCT('column', {literals.text(column)}, 'check', {literals.text(check)}, "
        f"'value', {value})"
    )


def unique_columns(contract: ContractSpec) -> list[Column]:
    return [c for c in contract.columns if c.unique]


def unique_check(column: Column) -> Check:
    return Check(column.name, "unique", literals.name(f"_again_{column.name}"))


def _judged_with_unique(contract: ContractSpec, failed: str, with_cleaned: bool) -> str:
    """Marks values that another row holds, as `_again_<column>`.

    Of the rows that pass all checks of their own, the first to arrive with a value keeps it; a
    later one with another key fails `unique`, as does one whose value stands in `cleaned` under
    another key. Without a key every later row fails.
    """
    marks: list[str] = []
    joins: list[str] = []
    for column in unique_columns(contract):
        value, mark = (literals.name(n) for n in (column.name, f"_again_{column.name}"))
        arrival = literals.names(ARRIVAL, "p")
        window = f"(PARTITION BY p.{value}, p.`_broken` ORDER BY {arrival})"
        keys = [f"p.{literals.name(k)}" for k in contract.keys]
        firsts = [f"NOT ({k} <=> FIRST_VALUE({k}) OVER {window})" for k in keys]
        again = " OR ".join(firsts) or f"ROW_NUMBER() OVER {window} > 1"
        if with_cleaned:
            held = f"held_{len(joins)}"
            own = f" AND NOT ({literals.same(contract.keys, 'c', 'q')})" if keys else ""
            joins.append(
                "LEFT JOIN (SELECT q.`_delivery`, q.`_row` FROM placed q WHERE EXISTS "
                f"(SELECT 1 FROM cleaned c WHERE c.{value} = q.{value}{own})) {held} "
                f"ON {literals.same(IDENTITY, held, 'p')}"
            )
            again = f"{again} OR {held}.`_row` IS NOT NULL"
        marks.append(f"NOT p.`_broken` AND p.{value} IS NOT NULL AND ({again}) AS {mark}")
    anew = " OR ".join(literals.name(f"_again_{c.name}") for c in unique_columns(contract))
    return (
        f"WITH placed AS (SELECT r.*, {failed} AS `_broken`, COALESCE(d.`_place`, -1) AS `_place` "
        "FROM read r LEFT JOIN deliveries d ON d.`_delivery` = r.`_delivery`), "
        f"marked AS (SELECT p.*, {', '.join(marks)} FROM placed p {' '.join(joins)}) "
        f"SELECT m.*, m.`_broken` OR {anew} AS `_failed` FROM marked m"
    )


def cleaned_columns(contract: ContractSpec, present: Collection[str]) -> str:
    """The projection of a cleaned table to the declared columns; one it lacks is null."""
    return (
        ", ".join(
            literals.name(c.name)
            if c.name in present
            else f"CAST(NULL AS {sql_type(c)}) AS {literals.name(c.name)}"
            for c in contract.columns
        )
        + ", "
        + literals.names(CARRIED)
    )


def _fails_any(column: Column) -> str:
    """Whether any check of a column fails; missing and not typed as one, which is far cheaper."""
    value, text = literals.name(column.name), literals.name(TEXT + column.name)
    found = [c.fails for c in value_checks(column)]
    if not column.nullable:
        found.append(f"{value} IS NULL")
    elif column.kind != "string":
        found.append(f"({value} IS NULL AND NOT ({blank(column, text)}))")
    return " OR ".join(found) or "FALSE"


def _checks(column: Column) -> list[Check]:
    value, text = literals.name(column.name), literals.name(TEXT + column.name)
    found = []
    if not column.nullable:
        found.append(Check(column.name, "nullable", f"({blank(column, text)})"))
    if column.kind != "string":
        wrong = f"({value} IS NULL AND NOT ({blank(column, text)}))"
        found.append(Check(column.name, "dtype", wrong))
    return found + value_checks(column)


def value_checks(column: Column) -> list[Check]:
    """The checks of a typed value that is there."""
    value = literals.name(column.name)

    def check(name: str, fails: str) -> Check:
        return Check(column.name, name, f"({fails})")

    found = []
    for name, wrong in _COMPARISONS.items():
        bound = getattr(column, name)
        if bound is not None:
            found.append(check(name, f"COALESCE({value} {wrong} {literal(column, bound)}, FALSE)"))
    if column.isin is not None:
        members = ", ".join(literal(column, member) for member in column.isin) or "NULL"
        within = f"COALESCE({value} IN ({members}), FALSE)"
        found.append(check("isin", f"{value} IS NOT NULL AND NOT {within}"))
    if column.str_matches is not None:
        pattern = literals.text(patterns.parse(column.str_matches).sql)
        found.append(check("str_matches", f"NOT COALESCE({value} RLIKE {pattern}, TRUE)"))
    return found
