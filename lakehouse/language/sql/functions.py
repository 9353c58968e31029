"""What portable SQL consists of: operators, clauses and functions that mean one thing everywhere.

Each function is one entry of `ROWS`: how it is documented, the calls it has with the kinds of
their arguments, and the type of its result. All else follows from these: what is listed, what the
parser's classes are, how a call is typed, what the conformance suite generates. What is left out
differs between engines, depends on the order of rows, or reads a clock or chance; `proposals.py`
says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from sqlglot import exp

from lakehouse.language.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    SqlType,
    decimal,
)

OPERATORS = (
    "+ - * / % DIV || = == <> != < <= > >= <=> AND OR NOT IS [NOT] NULL IS [NOT] DISTINCT FROM "
    "[NOT] IN [NOT] BETWEEN [NOT] LIKE CASE CAST TRY_CAST ::"
)

Argument = Literal[
    "number",  # of any type
    "double",  # a number, as a DOUBLE
    "int",  # a whole number, as an INT
    "bigint",  # a whole number, as a BIGINT
    "text",  # a value, as a STRING
    "boolean",
    "date",  # a time or text, as a DATE
    "time",  # a time or text, as a TIMESTAMP
    "any",
    "common",  # with its neighbours, in the type they have in common
    "numbers",  # the same, of numbers
    "digits",  # a whole number from 0 to 18, written out
    "count",  # a whole number from 0, written out
]
"""What a call takes an argument as."""

Role = Literal["value", "aggregate", "rank"]
Result = SqlType | Callable[[Sequence[SqlType], exp.Expr], SqlType]
"""The type of a call, or how it follows from the types of its arguments and the call itself."""


@dataclass(frozen=True)
class Function:
    """A function, or several of one shape: its documented name and how it is called.

    `forms` are all its calls, with the kind of each argument in braces. A function of the role
    `rank` stands `OVER` a window alone, an `aggregate` also by itself.
    """

    name: str
    documented: str
    result: Result
    forms: tuple[str, ...]
    role: Role = "value"


def _first(kinds: Sequence[SqlType], call: exp.Expr) -> SqlType:  # noqa: ARG001
    return kinds[0]


def _last(kinds: Sequence[SqlType], call: exp.Expr) -> SqlType:  # noqa: ARG001
    return kinds[-1]


def _rounded(kinds: Sequence[SqlType], call: exp.Expr) -> SqlType:
    kind, digits = kinds[0], call.args.get("decimals")
    if kind.name != "DECIMAL":
        return kind
    scale = min(kind.scale, int(digits.name) if digits is not None else 0)
    return decimal(min(38, kind.digits - kind.scale + scale + 1), scale)


def _sum(kinds: Sequence[SqlType], call: exp.Expr) -> SqlType:  # noqa: ARG001
    kind = kinds[0]
    if kind.name == "DECIMAL":
        return decimal(min(38, kind.digits + 10), kind.scale)
    return DOUBLE if kind == DOUBLE else BIGINT


def _value(name: str, documented: str, result: Result, *forms: str) -> Function:
    return Function(name, documented, result, forms)


def _aggregate(name: str, documented: str, result: Result, *forms: str) -> Function:
    return Function(name, documented, result, forms, "aggregate")


def _rank(name: str, documented: str, result: Result, *forms: str) -> Function:
    return Function(name, documented, result, forms, "rank")


_PARTS = "year quarter month day dayofmonth"
_ZONES = ("'America/New_York'", "'Asia/Kolkata'")

ROWS: tuple[Function, ...] = (
    _value("abs", "abs(x)", _first, "abs({number})"),
    _value("ceil", "ceil(x), a whole number", BIGINT, "ceil({number})"),
    _value("floor", "floor(x), a whole number", BIGINT, "floor({number})"),
    _value(
        "round",
        "round(x, digits), half away from zero",
        _rounded,
        "round({number}, {digits})",
        "round({number})",
    ),
    _value("sign", "sign(x)", BIGINT, "sign({number})"),
    _value("sqrt", "sqrt(x), NaN below zero", DOUBLE, "sqrt({double})"),
    _value("exp", "exp(x)", DOUBLE, "exp({double})"),
    _value("ln", "ln(x), null for x ≤ 0", DOUBLE, "ln({double})"),
    _value("power", "power(x, y)", DOUBLE, "power({double}, {double})"),
    _value("mod", "mod(x, y), the sign of x", _first, "mod({numbers}, {numbers})"),
    _value(
        "greatest",
        "greatest(x, …), nulls are skipped",
        _first,
        "greatest({common}, {common})",
        "greatest({common}, {common}, {common})",
    ),
    _value("least", "least(x, …), nulls are skipped", _first, "least({common}, {common})"),
    _value(
        "coalesce",
        "coalesce(x, …)",
        _first,
        "coalesce({common}, {common})",
        "coalesce({common}, {common}, {common})",
    ),
    _value("nullif", "nullif(x, y)", _first, "nullif({common}, {common})"),
    _value("if", "if(condition, x, y)", _last, "if({boolean}, {common}, {common})"),
    _value("isnull", "isnull(x)", BOOLEAN, "isnull({any})"),
    _value("isnotnull", "isnotnull(x)", BOOLEAN, "isnotnull({any})"),
    _value("lower", "lower(text)", STRING, "lower({text})"),
    _value("upper", "upper(text)", STRING, "upper({text})"),
    _value("length", "length(text), in characters", INT, "length({text})"),
    _value(
        "trim",
        "trim(text), ltrim(text), rtrim(text): spaces",
        STRING,
        "trim({text})",
        "ltrim({text})",
        "rtrim({text})",
    ),
    _value(
        "substring",
        "substring(text, from, length), from 1",
        STRING,
        "substring({text}, {int}, {int})",
        "substring({text}, {int})",
    ),
    _value("left", "left(text, length)", STRING, "left({text}, {int})"),
    _value("right", "right(text, length)", STRING, "right({text}, {int})"),
    _value("concat", "concat(text, …), null with any null", STRING, "concat({text}, {text})"),
    _value("replace", "replace(text, what, by)", STRING, "replace({text}, {text}, {text})"),
    _value("startswith", "startswith(text, beginning)", BOOLEAN, "startswith({text}, {text})"),
    _value("endswith", "endswith(text, end)", BOOLEAN, "endswith({text}, {text})"),
    _value("contains", "contains(text, part)", BOOLEAN, "contains({text}, {text})"),
    _value(
        "lpad",
        "lpad(text, length, pad), rpad(text, length, pad)",
        STRING,
        "lpad({text}, {count}, {text})",
        "rpad({text}, {count}, {text})",
    ),
    _value("instr", "instr(text, part), 0 if there is none", INT, "instr({text}, {text})"),
    _value(
        "year",
        "year(x), quarter(x), month(x), day(x), hour(x), minute(x), second(x) of UTC",
        INT,
        *(f"{part}({{date}})" for part in _PARTS.split()),
        *(f"{part}({{time}})" for part in ("hour", "minute", "second")),
    ),
    _value("dayofweek", "dayofweek(x), 1 for Sunday", INT, "dayofweek({date})"),
    _value("weekday", "weekday(x), 0 for Monday", INT, "weekday({date})"),
    _value("dayofyear", "dayofyear(x)", INT, "dayofyear({date})"),
    _value("weekofyear", "weekofyear(x), the ISO week", INT, "weekofyear({date})"),
    _value(
        "date_trunc",
        "date_trunc('hour', time)",
        TIMESTAMP,
        *(
            f"date_trunc('{unit}', {{time}})"
            for unit in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
        ),
    ),
    _value(
        "trunc",
        "trunc(date, 'month')",
        DATE,
        *(f"trunc({{date}}, '{unit}')" for unit in ("year", "quarter", "month", "week")),
    ),
    _value(
        "date_add",
        "date_add(date, days), date_sub(date, days)",
        DATE,
        "date_add({date}, {int})",
        "date_sub({date}, {int})",
    ),
    _value("datediff", "datediff(end, start), in days", INT, "datediff({date}, {date})"),
    _value(
        "timestampadd",
        "timestampadd(MINUTE, count, time)",
        TIMESTAMP,
        *(
            f"timestampadd({unit}, {{int}}, {{time}})"
            for unit in ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
        ),
    ),
    _value(
        "timestampdiff",
        "timestampdiff(HOUR, start, end), whole units",
        BIGINT,
        *(
            f"timestampdiff({unit}, {{time}}, {{time}})"
            for unit in ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
        ),
    ),
    _value("add_months", "add_months(date, months)", DATE, "add_months({date}, {int})"),
    _value("last_day", "last_day(date)", DATE, "last_day({date})"),
    _value("to_date", "to_date(x)", DATE, "to_date({date})"),
    _value("make_date", "make_date(year, month, day)", DATE, "make_date({int}, {int}, {int})"),
    _value("unix_seconds", "unix_seconds(time)", BIGINT, "unix_seconds({time})"),
    _value("unix_micros", "unix_micros(time)", BIGINT, "unix_micros({time})"),
    _value("timestamp_micros", "timestamp_micros(count)", TIMESTAMP, "timestamp_micros({bigint})"),
    _value(
        "to_utc_timestamp",
        "to_utc_timestamp(local time, zone)",
        TIMESTAMP,
        *(f"to_utc_timestamp({{time}}, {zone})" for zone in _ZONES),
    ),
    _value(
        "from_utc_timestamp",
        "from_utc_timestamp(time, zone)",
        TIMESTAMP,
        *(f"from_utc_timestamp({{time}}, {zone})" for zone in _ZONES),
    ),
    _aggregate(
        "count",
        "count(*), count(x), count(DISTINCT x)",
        BIGINT,
        "count({any})",
        "count(DISTINCT {any})",
        "count(*)",
    ),
    _aggregate("sum", "sum(x)", _sum, "sum({number})"),
    _aggregate("avg", "avg(x), a float", DOUBLE, "avg({double})"),
    _aggregate("min", "min(x)", _first, "min({common})"),
    _aggregate("max", "max(x)", _first, "max({common})"),
    _aggregate("count_if", "count_if(condition)", BIGINT, "count_if({boolean})"),
    _aggregate(
        "bool_and", "bool_and(x), every(x)", BOOLEAN, "bool_and({boolean})", "every({boolean})"
    ),
    _aggregate(
        "bool_or",
        "bool_or(x), some(x), any(x)",
        BOOLEAN,
        "bool_or({boolean})",
        "some({boolean})",
        "any({boolean})",
    ),
    _rank("row_number", "row_number() OVER (… ORDER BY …)", INT, "row_number()"),
    _rank("rank", "rank(), dense_rank() OVER (… ORDER BY …)", INT, "rank()", "dense_rank()"),
    _rank(
        "lag",
        "lag(x, n), lead(x, n) OVER (… ORDER BY …)",
        _first,
        "lag({common}, {count})",
        "lead({common}, {count})",
        "lag({common})",
        "lead({common})",
        "lag({common}, {count}, {common})",
        "lead({common}, {count}, {common})",
    ),
)


def _classes(names: str) -> frozenset[type[exp.Expr]]:
    return frozenset(getattr(exp, name) for name in names.split())


SYNTAX = _classes(
    "Select From Join Where Group Having Order Ordered With CTE Subquery Union Intersect "
    "Except Distinct Values Tuple Star Column Identifier Table TableAlias Alias "
) | _classes(
    "Literal Boolean Null Paren And Or Not EQ NEQ LT LTE GT GTE NullSafeEQ NullSafeNEQ In "
    "Between Is Like Case If Cast TryCast DataType DataTypeParam Add Sub Mul Div IntDiv Mod "
    "Neg DPipe Interval Var Exists Window WindowSpec"
)
"""The parser's classes of clauses, of operators and of constants."""

_T = exp.DType
CAST_TYPES: Mapping[exp.DType, str] = {
    _T.INT: "INT",
    _T.BIGINT: "BIGINT",
    _T.DOUBLE: "DOUBLE",
    _T.DECIMAL: "DECIMAL",
    _T.TEXT: "STRING",
    _T.BOOLEAN: "BOOLEAN",
    _T.DATE: "DATE",
    _T.TIMESTAMP: "TIMESTAMP",
    _T.TIMESTAMPTZ: "TIMESTAMP",
}
"""What may be cast to, by the parser's types."""
TYPE_NAMES = "INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BOOLEAN, DATE, TIMESTAMP"

FUNCTIONS: dict[str, str] = {row.name: row.documented for row in ROWS}
"""The documented functions, with how each is called."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Call:
    """How the parser's node of a function is taken: the kind of the argument in each slot.

    A slot that holds a list gives the kinds of its first arguments; the last stands for the rest.
    """

    function: Function
    slots: Mapping[str, tuple[Argument, ...]]


def key_of(node: exp.Expr) -> str:
    """What tells a node's function: its name where the parser has no class for it."""
    return node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__


@cache
def calls() -> Mapping[str, tuple[Call, ...]]:
    """The calls of every function by `key_of` its node; what one form has no slot for, others may.

    >>> [call.slots for call in calls()["Sqrt"]]
    [{'this': ('double',)}]
    """
    found: dict[str, list[Call]] = {}
    for row in ROWS:
        for form in row.forms:
            node, kinds = _parsed(form)
            call = Call(row, _slots(node, kinds))
            known = found.setdefault(key_of(node), [])
            if call not in known:
                known.append(call)
    return {key: tuple(of) for key, of in found.items()}


@cache
def classes() -> frozenset[type[exp.Expr]]:
    """The parser's classes of what is portable: clauses, operators, constants and functions."""
    called = {type(node) for row in ROWS for form in row.forms for node in _parsed(form)[0].walk()}
    return frozenset(called - {exp.Anonymous}) | SYNTAX


def call_of(node: exp.Expr) -> Call | None:
    """The call that fits a node best: every slot it fills, else the one with the most slots."""
    fitting = calls().get(key_of(node))
    if fitting is None:
        return None
    filled = {slot for slot, value in node.args.items() if isinstance(value, exp.Expr | list)}
    exact = [c for c in fitting if set(c.slots) >= filled & _all_slots(fitting)]
    return min(exact or fitting, key=lambda c: len(c.slots))


def _all_slots(of: Sequence[Call]) -> set[str]:
    return {slot for call in of for slot in call.slots}


def _parsed(form: str) -> tuple[exp.Expr, list[Argument]]:
    """The node of a form, whose arguments are columns named by their place."""
    from lakehouse.language.sql.portable import read

    kinds: list[Argument] = []

    def named(match: re.Match[str]) -> str:
        kind = match[1]
        assert kind in get_args(Argument), f"'{kind}' in '{form}' is no kind of argument"
        kinds.append(kind)  # type: ignore[arg-type]
        return f"_{len(kinds) - 1}"

    return read(_PLACEHOLDER.sub(named, form), f"Form {form}"), kinds


def _slots(node: exp.Expr, kinds: Sequence[Argument]) -> dict[str, tuple[Argument, ...]]:
    slots: dict[str, tuple[Argument, ...]] = {}
    for slot, value in node.args.items():
        values = value if isinstance(value, list) else [value]
        columns = [v.find(exp.Column) for v in values if isinstance(v, exp.Expr)]
        told = tuple(kinds[int(c.name[1:])] for c in columns if c is not None)
        if told:
            slots[slot] = told
    return slots
