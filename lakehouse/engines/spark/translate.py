"""Portable SQL as Spark SQL of the same meaning.

Spark in ANSI mode means most of it as it stands. What differs is told apart when a query is bound:
`typeof` of an expression is a constant, so that only the branch of its type is left in a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sqlglot import exp
from sqlglot.dialects.spark import Spark

from lakehouse.language import letters
from lakehouse.language.sql.text_casts import PATTERNS, WHAT, Cast

_Type = exp.DType
_CASTS: dict[exp.DType, Cast] = {
    _Type.INT: "int",
    _Type.BIGINT: "bigint",
    _Type.DOUBLE: "double",
    _Type.DECIMAL: "decimal",
    _Type.BOOLEAN: "boolean",
    _Type.DATE: "date",
    _Type.TIMESTAMP: "timestamp",
    _Type.TIMESTAMPTZ: "timestamp",
}


def to_spark(tree: exp.Expr, tables: Mapping[str, str]) -> str:
    """Render a portable SQL tree for Spark, with the tables it reads under other names.

    `tables` maps the names a query uses, in small letters, to names that Spark knows. A table
    keeps the name the query uses as its alias.
    """
    root: exp.Expr = exp.Tuple(expressions=[tree.copy()])  # so that the tree may be replaced
    own = {cte.alias.lower() for cte in root.find_all(exp.CTE)}
    root = root.transform(_difference, copy=False)
    for node in reversed(list(root.bfs())):
        if isinstance(node, exp.Table):
            _rename(node, tables, own)
            continue
        translate = _TRANSLATIONS.get(type(node))
        if translate is not None:
            replacement = translate(node)
            if replacement is not node:
                node.replace(replacement)
    return str(root.expressions[0].sql(dialect=Spark, identify=True))


def _rename(table: exp.Table, tables: Mapping[str, str], own: set[str]) -> None:
    known = table.name.lower()
    if known in own or known not in tables:
        return
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    table.set("this", exp.to_identifier(tables[known], quoted=True))


def _cast(node: exp.Expr) -> exp.Expr:
    value, kind = node.this, node.args["to"].this
    attempt = isinstance(node, exp.TryCast)
    if kind == _Type.TEXT:
        return _text(node)
    if kind not in _CASTS or isinstance(value, exp.Null):
        return node
    if kind in (_Type.DATE, _Type.TIMESTAMP, _Type.TIMESTAMPTZ) and _is_text(value) and not attempt:
        return _checked_literal(node, _CASTS[kind])
    return _guarded(node, value, _CASTS[kind], attempt)


def _checked_literal(node: exp.Expr, cast: Cast) -> exp.Expr:
    """A time written as text stays a constant, so that files and rows can be pruned by it."""
    if PATTERNS[cast].fullmatch(node.this.this):
        return node
    return _raise(_complaint(cast))


def _guarded(node: exp.Expr, value: exp.Expr, cast: Cast, attempt: bool) -> exp.Expr:
    """Hold text against the cast's own pattern first: Spark takes 't', '1d' and '2020-1-1'."""
    pattern = rf"\A({PATTERNS[cast].pattern})\z"
    matches = _call("rlike", _plain_cast(value.copy(), "STRING"), _string(pattern))
    other: exp.Expr = exp.Null() if attempt else _raise(_complaint(cast))
    of_text = node.copy()
    if cast == "timestamp":
        of_text.set("this", _with_seconds(value))
    checked = exp.If(this=matches, true=of_text, false=other)
    return exp.If(this=_has_type(value, "string"), true=checked, false=node.copy())


def _with_seconds(value: exp.Expr) -> exp.Expr:
    """A text's minutes before a zone with the seconds that Spark wants there."""
    return _call(
        "regexp_replace",
        _plain_cast(value.copy(), "STRING"),
        _string(r"([ T][0-9]{2}:[0-9]{2})(Z|[+-])"),
        _string("$1:00$2"),
    )


def _text(node: exp.Expr) -> exp.Expr:
    told = "CAST of a float to STRING has no portable form: CAST it to a DECIMAL first"
    is_float = _has_type(node.this, "double")
    return exp.If(this=is_float, true=_raise(told), false=node.copy())


def _complaint(cast: Cast) -> str:
    return f"CAST to {cast.upper()}: a text is not a {WHAT[cast]}"


def _condition(node: exp.Expr) -> exp.Expr:
    """A condition that is null alone has no type of its own, and Spark wants a boolean."""
    if isinstance(node.this, exp.Null):
        node.set("this", _plain_cast(exp.Null(), "BOOLEAN"))
    return node


def _sign(node: exp.Expr) -> exp.Expr:
    """A whole number, of whatever number."""
    branches = ((exp.GT, 1), (exp.LT, -1), (exp.EQ, 0))
    return exp.Case(
        ifs=[
            exp.If(
                this=comparison(this=node.this.copy(), expression=exp.Literal.number(0)),
                true=_plain_cast(exp.Literal.number(sign), "BIGINT"),
            )
            for comparison, sign in branches
        ]
    )


def _difference(node: exp.Expr) -> exp.Expr:
    """`datediff(HOUR, …)` counts whole units of times, though the parser took both for dates."""
    if not isinstance(node, exp.DateDiff) or node.args.get("unit") is None:
        return node
    sides = (node.this, node.expression)
    end, start = (s.this if isinstance(s, exp.TsOrDsToDate) else s for s in sides)
    return exp.TimestampDiff(this=end.copy(), expression=start.copy(), unit=node.args["unit"])


def _divide(node: exp.Expr) -> exp.Expr:
    sides = (_plain_cast(side.copy(), "DOUBLE") for side in (node.this, node.expression))
    return exp.Div(this=next(sides), expression=next(sides))


def _average(node: exp.Expr) -> exp.Expr:
    inner = node.this
    if isinstance(inner, exp.Distinct):
        inner.set("expressions", [_plain_cast(e.copy(), "DOUBLE") for e in inner.expressions])
        return node
    node.set("this", _plain_cast(inner.copy(), "DOUBLE"))
    return node


def _to_date(node: exp.Expr) -> exp.Expr:
    return _cast(exp.Cast(this=node.this.copy(), to=exp.DataType.build("date")))


def _whole(node: exp.Expr) -> exp.Expr:
    return _plain_cast(node.copy(), "BIGINT")


def _letters(change: Callable[[str], str]) -> Callable[[exp.Expr], exp.Expr]:
    """Change one letter for one: Java makes two of some, as SS of ß."""

    def translated(node: exp.Expr) -> exp.Expr:
        changed, into = _pairs(change)
        return _call("translate", node.this.copy(), _string(changed), _string(into))

    return translated


_pairs = cache(letters.pairs)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _string(text: str) -> exp.Expr:
    return exp.Literal.string(text)


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _has_type(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.EQ(this=_call("typeof", value.copy()), expression=_string(kind))


def _raise(why: str) -> exp.Expr:
    return _call("raise_error", _string(why))


def _plain_cast(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(kind, dialect="spark"))


_TRANSLATIONS: dict[type, Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Div: _divide,
    exp.Avg: _average,
    exp.Ceil: _whole,
    exp.Floor: _whole,
    exp.TsOrDsToDate: _to_date,
    exp.If: _condition,
    exp.Sign: _sign,
    exp.Lower: _letters(letters.lower),
    exp.Upper: _letters(letters.upper),
}
