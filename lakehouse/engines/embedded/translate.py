"""Portable SQL as DuckDB SQL of the same meaning.

sqlglot translates names and syntax. Where DuckDB's meaning or the type of its answer differs, a
node becomes an expression that says the same in DuckDB; the types of its parts are known, so that
each is written for the types it has.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from lakehouse.engines.embedded.casts import cast, cast_in_place
from lakehouse.engines.embedded.nodes import (
    both,
    call,
    error,
    number,
    once,
    plain_cast,
    plus,
    text,
    when,
)
from lakehouse.engines.failures import QueryError
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION
from lakehouse.language.sql.functions import call_of
from lakehouse.language.sql.typed_expressions import COMPARISONS, set_type, type_of
from lakehouse.language.sql.types import BIGINT, INT, SqlType

_TRUNCATIONS = {
    **{u: u for u in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")},
    **{"yyyy": "year", "yy": "year", "mon": "month", "mm": "month", "dd": "day"},
}
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg, exp.Window)
_AS_GIVEN = {"INT", "BIGINT", "DECIMAL", "DATE", "TIMESTAMP"}
"""Types that DuckDB's own functions give as others: whole numbers of 8 to 128 bits, more digits."""


def to_duckdb(tree: exp.Expr) -> str:
    """Render a typed tree of portable SQL; raises QueryError for what has no translation."""
    root = exp.Tuple(expressions=[tree.copy()])  # so that the tree itself may be replaced
    for node in reversed(list(root.bfs())):
        kind, is_typed = type_of(node), _is_typed_anew(node)
        made = _TRANSLATIONS.get(type(node), _same)(node)
        if made is not node:
            node.replace(made)
            set_type(made, kind)
        if is_typed and kind is not None:
            cast_in_place(made, kind)
    try:
        return str(
            root.expressions[0].sql(
                dialect="duckdb", identify=True, unsupported_level=ErrorLevel.RAISE
            )
        )
    except UnsupportedError as error_:
        raise QueryError(f"This SQL has no translation for DuckDB: {error_}") from error_


def _is_typed_anew(node: exp.Expr) -> bool:
    """Whether DuckDB's answer may be of another type than the one it has in portable SQL."""
    kind = type_of(node)
    if kind is None or kind.name not in _AS_GIVEN:
        return False
    if isinstance(node.parent, exp.Window) and node.arg_key == "this":
        return False  # but the window function as a whole is
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
        return False
    if isinstance(node, exp.Literal):
        return not node.is_string and kind.name == "DECIMAL"
    return isinstance(node, _ARITHMETIC) or call_of(node) is not None


def _same(node: exp.Expr) -> exp.Expr:
    return node


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    said = str(unit.this if unit is not None else "day").lower()
    if said not in _TRUNCATIONS:
        raise QueryError(
            f"Unit '{said}' of time is not one of year, quarter, month, week, day, hour, minute, "
            "second."
        )
    return _TRUNCATIONS[said]


def _is_zero(value: exp.Expr) -> exp.Expr:
    return exp.EQ(this=value.copy(), expression=number(0))


def _guarded(node: exp.Expr, divided: Callable[[exp.Expr, exp.Expr], exp.Expr]) -> exp.Expr:
    """A division that raises by zero, and is null of null whatever it is divided by."""

    def guarded(above: exp.Expr, below: exp.Expr) -> exp.Expr:
        there = exp.Not(this=exp.Is(this=above.copy(), expression=exp.Null()))
        wrong = when(there, error("Division by zero"))
        return when(_is_zero(below), wrong, divided(above.copy(), below.copy()))

    if _is_a_number_but_zero(node.expression):
        return divided(exp.paren(node.this), node.expression)
    return both(node.this, node.expression, guarded)


def _is_a_number_but_zero(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Cast) else node
    return isinstance(inner, exp.Literal) and not inner.is_string and float(inner.this) != 0


def _divide(node: exp.Expr) -> exp.Expr:
    return _guarded(node, lambda a, b: exp.Paren(this=exp.Div(this=a, expression=b, typed=True)))


def _remainder(node: exp.Expr) -> exp.Expr:
    return _guarded(node, lambda a, b: exp.Paren(this=exp.Mod(this=a, expression=b)))


def _whole_divide(node: exp.Expr) -> exp.Expr:
    return _guarded(node, lambda a, b: exp.Paren(this=exp.IntDiv(this=a, expression=b)))


def _ln(node: exp.Expr) -> exp.Expr:
    """Null for zero and below; NaN is above all."""
    return once(
        node.this,
        lambda x: when(exp.GT(this=x.copy(), expression=number(0)), call("ln", x.copy())),
    )


def _round(node: exp.Expr) -> exp.Expr:
    """Half away from zero; a float as it is written, for 1.005 is half way in its text alone."""
    digits = node.args.get("decimals") or number(0)
    kind = type_of(node.this)
    if kind is None or kind.name != "DOUBLE":
        return call("round", node.this, digits)

    def rounded(x: exp.Expr) -> exp.Expr:
        small = exp.LT(
            this=call("abs", x.copy()), expression=exp.Literal(this="1e17", is_string=False)
        )
        exact = plain_cast(plain_cast(x.copy(), "VARCHAR"), "DECIMAL(38, 20)")
        return when(small, plain_cast(call("round", exact, digits.copy()), "DOUBLE"), x.copy())

    return once(node.this, rounded)


def _duration(unit: str, count: exp.Expr) -> exp.Expr:
    names = {"quarter": "months", "year": "years"}
    amount = exp.Mul(this=exp.paren(count, copy=False), expression=number(3))
    return call(f"to_{names.get(unit, unit + 's')}", amount if unit == "quarter" else count)


_LENGTHS_US = {
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _whole_units(node: exp.Expr) -> exp.Expr:
    """Whole units between two times; a month is over where the day and time of it come again.

    DuckDB's own lets a month end with the shorter month: from 29 February to 28 March.
    """
    unit = _unit(node)
    if unit not in _MONTHS:
        elapsed = exp.Sub(
            this=call("epoch_us", node.this), expression=call("epoch_us", node.expression)
        )
        return exp.Paren(
            this=exp.IntDiv(this=exp.Paren(this=elapsed), expression=number(_LENGTHS_US[unit]))
        )

    def offset(at: exp.Expr) -> exp.Expr:
        start = call("date_trunc", text("month"), at.copy())
        return exp.Paren(
            this=exp.Sub(this=call("epoch_us", at.copy()), expression=call("epoch_us", start))
        )

    def months(start: exp.Expr, end: exp.Expr) -> exp.Expr:
        begun = call("date_diff", text("month"), start.copy(), end.copy())
        short = exp.And(
            this=exp.GT(this=end.copy(), expression=start.copy()),
            expression=exp.LT(this=offset(end), expression=offset(start)),
        )
        back = exp.And(
            this=exp.LT(this=end.copy(), expression=start.copy()),
            expression=exp.GT(this=offset(end), expression=offset(start)),
        )
        more = when(short, number(-1), when(back, number(1), number(0)))
        return exp.IntDiv(this=plus(begun, exp.paren(more)), expression=number(_MONTHS[unit]))

    return both(node.expression, node.this, months)


def _pad(node: exp.Expr) -> exp.Expr:
    """Text filled up to a length, or cut to it; nothing to fill with leaves it short."""
    name = "lpad" if node.args.get("is_left") else "rpad"
    length, pad = node.expression, node.args.get("fill_pattern") or text(" ")
    if isinstance(pad, exp.Literal) and pad.this:
        return call(name, node.this, length, pad)

    def filled(value: exp.Expr, fill: exp.Expr) -> exp.Expr:
        nothing = exp.EQ(this=fill.copy(), expression=text(""))
        cut = call("left", value.copy(), length.copy())
        return when(nothing, cut, call(name, value.copy(), length.copy(), fill.copy()))

    return both(node.this, pad, filled)


def _end(node: exp.Expr) -> exp.Expr:
    """The beginning or end of a text; below zero, where DuckDB counts back, nothing of it."""
    length = node.expression
    if isinstance(length, exp.Literal):
        return node
    below = once(
        length,
        lambda n: when(exp.LT(this=n.copy(), expression=number(0)), number(0), n.copy()),
    )
    return call("left" if isinstance(node, exp.Left) else "right", node.this, below)


def _substring(node: exp.Expr) -> exp.Expr:
    start = node.args["start"]
    if isinstance(start, exp.Literal) and start.this != "0":
        return node
    node.set("start", once(start, lambda x: when(_is_zero(x), number(1), x.copy())))
    return node


def _named(node: exp.Expr) -> exp.Expr:
    name, given = node.name.lower(), node.expressions
    if name == "weekday":
        return exp.Paren(this=exp.Sub(this=call("isodow", given[0]), expression=number(1)))
    if name in ("isnull", "isnotnull"):
        test = exp.Is(this=exp.paren(given[0]), expression=exp.Null())
        return exp.Paren(this=test if name == "isnull" else exp.Not(this=test))
    renamed = {
        "every": "bool_and",
        "some": "bool_or",
        "timestamp_micros": "make_timestamptz",
        "raise_error": "error",
    }
    return call(renamed[name], *given) if name in renamed else node


def _moved(node: exp.Expr) -> exp.Expr:
    """A date that moved by an interval of days is a date; DuckDB's is a time without a zone."""
    kind = type_of(node)
    if kind is not None and kind.name == "TIMESTAMP":
        for side in ("this", "expression"):
            of = type_of(node.args[side])
            if of is not None and of.name == "DATE":
                node.set(side, plain_cast(exp.paren(node.args[side]), "TIMESTAMPTZ"))
    _widen(node, kind)
    return exp.paren(node) if kind is not None else node


def _times(node: exp.Expr) -> exp.Expr:
    _widen(node, type_of(node))
    return node


def _widen(node: exp.Expr, kind: SqlType | None) -> None:
    """Compute decimals of more than 18 digits in 128 bits, which DuckDB chooses by an operand."""
    if kind is not None and kind.name == "DECIMAL" and kind.digits > MAX_DECIMAL_PRECISION:
        left = type_of(node.this)
        if left is not None and left.digits <= MAX_DECIMAL_PRECISION:
            wide = f"DECIMAL({MAX_DECIMAL_PRECISION + 1}, {left.scale})"
            node.set("this", plain_cast(exp.paren(node.this), wide))


def _compared(node: exp.Expr) -> exp.Expr:
    """A comparison of whole numbers that are computed first, so that an overflow raises.

    DuckDB would make `n + 1 = 5` of constants `n = 4`, but takes nothing out of a sign.
    """
    slots = ("this", "low", "high") if isinstance(node, exp.Between) else ("this", "expression")
    sides = {slot: node.args[slot] for slot in slots}
    for slot, side in sides.items():
        constant = any(other.find(exp.Column) is None for s, other in sides.items() if s != slot)
        if constant and _is_whole_arithmetic(side):
            node.set(slot, call("+", side))
    return node


def _is_whole_arithmetic(node: exp.Expr) -> bool:
    kind = type_of(node)
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return kind in (INT, BIGINT) and isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Neg)


def _at_zone(value: exp.Expr, zone: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=exp.paren(value, copy=False), zone=zone)


def _seconds(node: exp.Expr) -> exp.Expr:
    """Whole seconds, downwards before 1970."""
    micros = call("epoch_us", node.this)
    return call("floor", exp.Div(this=micros, expression=number(1_000_000), typed=False))


_TRANSLATIONS: dict[type, Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: cast,
    exp.TryCast: cast,
    exp.Add: _moved,
    exp.Sub: _moved,
    exp.Mul: _times,
    exp.Div: _divide,
    exp.Mod: _remainder,
    exp.IntDiv: _whole_divide,
    exp.Ln: _ln,
    exp.Round: _round,
    exp.Any: lambda n: call("bool_or", n.this),
    exp.Substring: _substring,
    exp.Anonymous: _named,
    exp.TsOrDsToDate: lambda n: n.this,
    exp.DayOfWeek: lambda n: plus(call("dayofweek", n.this), number(1)),
    exp.TsOrDsAdd: lambda n: plus(n.this, exp.paren(n.expression)),
    exp.DateDiff: lambda n: exp.Paren(
        this=exp.Sub(this=exp.paren(n.this), expression=exp.paren(n.expression))
    ),
    exp.TimestampDiff: _whole_units,
    exp.Pad: _pad,
    exp.Left: _end,
    exp.Right: _end,
    exp.TimestampAdd: lambda n: plus(n.this, _duration(_unit(n), n.expression)),
    exp.TimestampTrunc: lambda n: call("date_trunc", text(_unit(n)), n.this),
    exp.DateTrunc: lambda n: call("date_trunc", text(_unit(n)), n.this),
    exp.AddMonths: lambda n: plus(n.this, call("to_months", n.expression)),
    exp.LastDay: lambda n: call("last_day", n.this),
    exp.FromTimeZone: lambda n: _at_zone(_at_zone(n.this, text("UTC")), n.args["zone"]),
    exp.AtTimeZone: lambda n: _at_zone(_at_zone(n.this, n.args["zone"]), text("UTC")),
    exp.UnixSeconds: _seconds,
    **dict.fromkeys((*COMPARISONS, exp.Between), _compared),
}
