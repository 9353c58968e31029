"""Portable SQL as Spark SQL of the same meaning.

Spark in ANSI mode means most of it as it stands, once the types that meet are made the same. What
differs is written out, for the types that an expression's parts are known to have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sqlglot import exp
from sqlglot.dialects.spark import Spark

from lakehouse.language import letter_case
from lakehouse.language.sql.text_casts import PATTERNS, WHAT, Cast
from lakehouse.language.sql.typed_expressions import set_type, type_of
from lakehouse.language.sql.types import BIGINT, DOUBLE

_OF_TEXT: dict[str, Cast] = {
    "INT": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "DECIMAL": "decimal",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}


def to_spark(tree: exp.Expr, tables: Mapping[str, str]) -> str:
    """Render a typed tree of portable SQL for Spark, with the tables it reads under other names.

    `tables` maps the names a query uses, in small letters, to names that Spark knows. A table
    keeps the name the query uses as its alias.
    """
    root: exp.Expr = exp.Tuple(expressions=[tree.copy()])  # so that the tree may be replaced
    own = {cte.alias.lower() for cte in root.find_all(exp.CTE)}
    for node in reversed(list(root.bfs())):
        if isinstance(node, exp.Table):
            _rename(node, tables, own)
            continue
        translate = _TRANSLATIONS.get(type(node))
        if translate is not None:
            kind = type_of(node)
            replacement = translate(node)
            if replacement is not node:
                node.replace(replacement)
                set_type(replacement, kind)
    return str(root.expressions[0].sql(dialect=Spark, identify=True))


def _rename(table: exp.Table, tables: Mapping[str, str], own: set[str]) -> None:
    known = table.name.lower()
    if known in own or known not in tables:
        return
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    table.set("this", exp.to_identifier(tables[known], quoted=True))


def _cast(node: exp.Expr) -> exp.Expr:
    """A cast of text holds it against the cast's pattern first: Spark takes 't', '1d', '2020-1-1'.

    Any other is Spark's own, but for a float of 2^63.
    """
    value, to = node.this, type_of(node)
    kind = type_of(value)
    if kind == DOUBLE and to == BIGINT:
        return _whole_float(node)
    if to is None or kind is None or kind.name != "STRING" or to.name == "STRING":
        return node
    of_text, attempt = _OF_TEXT[to.name], isinstance(node, exp.TryCast)
    complaint = f"CAST to {of_text.upper()}: a text is not a {WHAT[of_text]}"
    if isinstance(value, exp.Literal) and to.is_time and not attempt:
        # A time written as text stays a constant, so that files and rows can be pruned by it.
        return node if PATTERNS[of_text].fullmatch(value.this) else _raise(complaint)

    pattern = rf"\A({PATTERNS[of_text].pattern})\z"
    fits = _call("rlike", value.copy(), _string(pattern))
    read = node.copy()
    if of_text == "timestamp":
        read.set("this", _with_seconds(value.copy()))
    if attempt:
        return exp.If(this=fits, true=read, false=exp.Null())
    return exp.If(this=exp.Not(this=fits), true=_raise(complaint), false=read)


def _whole_float(node: exp.Expr) -> exp.Expr:
    """A float as a BIGINT; 2^63, for which Spark gives one less, does not fit."""
    beyond = exp.Literal.number("9223372036854775808E0")
    too_great = exp.EQ(this=exp.paren(node.this), expression=beyond)
    attempt = isinstance(node, exp.TryCast)
    wrong = exp.Null() if attempt else _raise("CAST to BIGINT: overflow, a float of 2^63")
    return exp.If(this=too_great, true=wrong, false=node.copy())


def _with_seconds(value: exp.Expr) -> exp.Expr:
    """A text's minutes before a zone with the seconds that Spark wants there."""
    pattern = _string(r"([ T][0-9]{2}:[0-9]{2})(Z|[+-])")
    return _call("regexp_replace", value, pattern, _string("$1:00$2"))


def _condition(node: exp.Expr) -> exp.Expr:
    """A condition that is null alone has no type of its own, and Spark wants a boolean."""
    if isinstance(node.this, exp.Null):
        node.set("this", _plain_cast(exp.Null(), "BOOLEAN"))
    return node


def _sign(node: exp.Expr) -> exp.Expr:
    """A whole number, of whatever number; null of NaN, which has none."""
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


def _sum(node: exp.Expr) -> exp.Expr:
    """A sum of 64 bits raises if it does not fit, and not if only a part of it would not."""
    if isinstance(node.parent, exp.Window) or not _is_bigint(_summed(node)):
        return node
    _widen(node)
    return _whole(node)


def _window(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Sum) or not _is_bigint(_summed(node.this)):
        return node
    _widen(node.this)
    return _whole(node)


def _summed(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.this
    if isinstance(inner, exp.Distinct):
        inner = next(iter(inner.expressions))
    return inner


def _is_bigint(value: exp.Expr) -> bool:
    kind = type_of(value)
    return kind is not None and kind.name == "BIGINT"


def _widen(node: exp.Expr) -> None:
    value = _summed(node)
    wide = _plain_cast(None, "DECIMAL(20, 0)")
    value.replace(wide)
    wide.set("this", value)


def _whole(node: exp.Expr) -> exp.Expr:
    """An expression cast to 64 bits where it stands."""
    cast = _plain_cast(None, "BIGINT")
    set_type(cast, BIGINT)
    node.replace(cast)
    cast.set("this", node)
    return node


def _letters(change: Callable[[str], str]) -> Callable[[exp.Expr], exp.Expr]:
    """Change one letter for one: Java makes two of some, as SS of ß."""

    def translated(node: exp.Expr) -> exp.Expr:
        changed, into = _pairs(change)
        return _call("translate", node.this.copy(), _string(changed), _string(into))

    return translated


_pairs = cache(letter_case.pairs)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _string(text: str) -> exp.Expr:
    return exp.Literal.string(text)


def _raise(why: str) -> exp.Expr:
    return _call("raise_error", _string(why))


def _plain_cast(value: exp.Expr | None, kind: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(kind, dialect="spark"))


_TRANSLATIONS: dict[type, Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.TsOrDsToDate: lambda n: n.this,
    exp.Ceil: _whole,
    exp.Floor: _whole,
    exp.If: _condition,
    exp.Sign: _sign,
    exp.Sum: _sum,
    exp.Window: _window,
    exp.Lower: _letters(letter_case.lower),
    exp.Upper: _letters(letter_case.upper),
}
