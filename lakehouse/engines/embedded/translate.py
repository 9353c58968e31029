"""Portable SQL as DuckDB SQL of the same meaning.

sqlglot translates names and syntax; where DuckDB's meaning differs (casts, division, weekdays,
date arithmetic, zones) a node becomes a call of a macro in `ansi.py` or an expression that says
the same in DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from lakehouse.engines.failures import QueryError

_Type = exp.DataType.Type
_CASTS = {
    _Type.INT: "int",
    _Type.BIGINT: "bigint",
    _Type.DOUBLE: "double",
    _Type.TEXT: "string",
    _Type.BOOLEAN: "boolean",
    _Type.DATE: "date",
    _Type.TIMESTAMP: "timestamp",
    _Type.TIMESTAMPTZ: "timestamp",
}
_TRUNCATIONS = {
    **{u: u for u in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")},
    **{"yyyy": "year", "yy": "year", "mon": "month", "mm": "month", "dd": "day"},
}
_LITERAL_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)


def to_duckdb(tree: exp.Expr) -> str:
    """Render a portable SQL tree for DuckDB; raises QueryError for what has no translation."""
    root = exp.Tuple(expressions=[tree.copy()])  # so that the tree itself may be replaced
    for node in reversed(list(root.bfs())):
        translate = _TRANSLATIONS.get(type(node))
        if translate is not None:
            replacement = translate(node)
            if replacement is not node:
                node.replace(replacement)
    try:
        return str(
            root.expressions[0].sql(
                dialect="duckdb", identify=True, unsupported_level=ErrorLevel.RAISE
            )
        )
    except UnsupportedError as error:
        raise QueryError(f"This SQL has no translation for DuckDB: {error}") from error


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _plus(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Add(this=exp.paren(left, copy=False), expression=right))


def _plain_cast(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(kind, dialect="duckdb"))


def _date(value: exp.Expr) -> exp.Expr:
    return _call("portable_date", value)


def _timestamp(value: exp.Expr) -> exp.Expr:
    return _call("portable_timestamp", value)


def _at_zone(value: exp.Expr, zone: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=exp.paren(value, copy=False), zone=zone)


def _cast(node: exp.Expr) -> exp.Expr:
    attempt = "try_" if isinstance(node, exp.TryCast) else ""
    value, kind = node.this, node.args["to"].this
    if kind == _Type.DECIMAL:
        node.set("this", _call(f"portable_{attempt}to_decimal", value))
        return node
    if kind not in _CASTS:
        return node
    name = _CASTS[kind]
    if name == "string":
        return _call("portable_string", value)
    is_text = isinstance(value, exp.Literal) and value.is_string
    if name in ("timestamp", "date") and is_text and not attempt:
        # A checked literal is a constant, so that files and rows can be pruned by it.
        length = 10 if name == "date" else None
        if _LITERAL_TIME.fullmatch(value.this) and length in (None, len(value.this)):
            return _plain_cast(value, "TIMESTAMPTZ" if name == "timestamp" else "DATE")
    return _call(f"portable_{attempt}{name}", value)


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    said = str(unit.this if unit is not None else "day").lower()
    if said not in _TRUNCATIONS:
        raise QueryError(
            f"Unit '{said}' of time is not one of year, quarter, month, week, day, hour, minute, "
            "second."
        )
    return _TRUNCATIONS[said]


def _duration(unit: str, count: exp.Expr) -> exp.Expr:
    names = {"quarter": "months", "year": "years"}
    amount = exp.Mul(this=exp.paren(count, copy=False), expression=exp.Literal.number(3))
    return _call(f"to_{names.get(unit, unit + 's')}", amount if unit == "quarter" else count)


def _difference(node: exp.Expr) -> exp.Expr:
    end, start = node.this, node.expression
    if isinstance(node, exp.DateDiff) and node.args.get("unit") is None:
        return exp.Paren(this=exp.Sub(this=_date(end), expression=_date(start)))
    if isinstance(node, exp.DateDiff):  # the parser took both for dates, whatever the unit
        end, start = (_inside_date(side) for side in (end, start))
    unit = exp.Literal.string(_unit(node))
    return _call("date_sub", unit, _timestamp(start), _timestamp(end))


def _inside_date(node: exp.Expr) -> exp.Expr:
    called = isinstance(node, exp.Anonymous) and node.name == "portable_date"
    return node.expressions[0] if called else node


def _add_days(node: exp.Expr) -> exp.Expr:
    days = _plain_cast(exp.paren(node.expression, copy=False), "INTEGER")
    return _plus(_date(node.this), days)


def _substring(node: exp.Expr) -> exp.Expr:
    start = node.args["start"]
    if isinstance(start, exp.Literal) and start.this != "0":
        return node
    node.set("start", _call("portable_start", start))
    return node


def _named(node: exp.Expr) -> exp.Expr:
    name, given = node.name.lower(), node.expressions
    if name == "weekday":
        return exp.Paren(this=exp.Sub(this=_call("isodow", _date(given[0])), expression=_one()))
    if name in ("isnull", "isnotnull"):
        test = exp.Is(this=given[0], expression=exp.Null())
        return exp.Paren(this=test if name == "isnull" else exp.Not(this=test))
    renamed = {
        "every": "bool_and",
        "some": "bool_or",
        "mean": "avg",
        "timestamp_micros": "make_timestamptz",
    }
    return _call(renamed[name], *given) if name in renamed else node


def _utc() -> exp.Expr:
    return exp.Literal.string("UTC")


def _one() -> exp.Expr:
    return exp.Literal.number(1)


_TRANSLATIONS: dict[type, Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Div: lambda n: _call("portable_divide", n.this, n.expression),
    exp.Mod: lambda n: _call("portable_remainder", n.this, n.expression),
    exp.IntDiv: lambda n: _call("portable_div", n.this, n.expression),
    exp.Ln: lambda n: _call("portable_ln", n.this),
    exp.Ceil: lambda n: _call("portable_whole", _call("ceil", n.this)),
    exp.Floor: lambda n: _call("portable_whole", _call("floor", n.this)),
    exp.Round: lambda n: _call(
        "portable_round", n.this, n.args.get("decimals") or exp.Literal.number(0)
    ),
    exp.Any: lambda n: _call("bool_or", n.this),
    exp.Substring: _substring,
    exp.Anonymous: _named,
    exp.TsOrDsToDate: lambda n: _date(n.this),
    exp.DayOfWeek: lambda n: _plus(_call("dayofweek", n.this), _one()),
    exp.TsOrDsAdd: _add_days,
    exp.DateDiff: _difference,
    exp.TimestampDiff: _difference,
    exp.TimestampAdd: lambda n: _plus(_timestamp(n.this), _duration(_unit(n), n.expression)),
    exp.TimestampTrunc: lambda n: _call(
        "date_trunc", exp.Literal.string(_unit(n)), _timestamp(n.this)
    ),
    exp.DateTrunc: lambda n: _plain_cast(
        _call("date_trunc", exp.Literal.string(_unit(n)), _date(n.this)), "DATE"
    ),
    exp.AddMonths: lambda n: _plain_cast(
        _plus(_date(n.this), _call("to_months", n.expression)), "DATE"
    ),
    exp.LastDay: lambda n: _call("last_day", _date(n.this)),
    exp.FromTimeZone: lambda n: _at_zone(
        _at_zone(n.this, exp.Literal.string("UTC")), n.args["zone"]
    ),
    exp.AtTimeZone: lambda n: _at_zone(_at_zone(n.this, n.args["zone"]), exp.Literal.string("UTC")),
    exp.UnixSeconds: lambda n: _call("portable_seconds", n.this),
}
