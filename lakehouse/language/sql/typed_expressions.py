"""The type of one expression, with casts where its parts are of other types than it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from lakehouse.errors import DeclarationError
from lakehouse.language.sql import functions, types
from lakehouse.language.sql.functions import Argument, Call
from lakehouse.language.sql.scopes import Scope
from lakehouse.language.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    INTERVAL,
    NULL,
    STRING,
    TIMESTAMP,
    SqlType,
    Unlike,
)

Query = Callable[[exp.Expr, Scope], list[tuple[str, SqlType | None]]]
"""Types a query inside an expression and returns its columns."""

_TYPE = "sql_type"
_MOST_ROUNDED = 18
_FIXED: dict[Argument, SqlType] = {
    "double": DOUBLE,
    "int": INT,
    "bigint": BIGINT,
    "text": STRING,
    "boolean": BOOLEAN,
    "date": DATE,
    "time": TIMESTAMP,
}
COMPARISONS = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.NullSafeEQ, exp.NullSafeNEQ),
)
_PLATFORMS: dict[type[exp.Expr], SqlType] = {
    exp.RegexpLike: BOOLEAN,
    exp.RegexpReplace: STRING,
    exp.RegexpExtract: STRING,
}
"""What the platform's own SQL uses beyond the portable, of one type."""
_LIKE_THEIRS = (exp.FirstValue, exp.LastValue, exp.AnyValue, exp.Ordered, exp.Alias, exp.Paren)


def type_of(node: exp.Expr) -> SqlType | None:
    """The type that `typed` found for an expression, None if it is not known."""
    found: SqlType | None = node.meta.get(_TYPE)
    return found


def set_type(node: exp.Expr, kind: SqlType | None) -> None:
    """Note the type of an expression, for what stands around it."""
    node.meta[_TYPE] = kind


def coerce(node: exp.Expr, to: SqlType, what: str | exp.Expr) -> exp.Expr:
    """Put a cast around an expression of another type, and return what stands in its place.

    Text written out is read as what it stands beside. Raises DeclarationError, naming or showing
    `what` takes it, where no value of the one type is a value of the other.
    """
    kind = type_of(node)
    if kind is None or kind == to:
        return node
    if not _converts(node, kind, to):
        taker = what if isinstance(what, str) else _shown(what)
        raise DeclarationError(f"{_shown(node)} is {kind}, and {taker} takes {to}: CAST it.")
    return _cast_in_place(node, to)


def type_expression(node: exp.Expr, scope: Scope, query: Query) -> None:
    """Type an expression and all its parts in place."""
    if isinstance(node, exp.Query):
        columns = query(node, scope)
        set_type(node, columns[0][1] if len(columns) == 1 else None)
        return
    for child in list(_children(node)):
        type_expression(child, scope, query)
    try:
        set_type(node, _typed(node, scope))
    except Unlike as error:
        raise DeclarationError(f"In {_shown(node)}, {error}.") from None


def _children(node: exp.Expr) -> Iterator[exp.Expr]:
    for slot, value in node.args.items():
        if slot == "to" and isinstance(node, exp.Cast):
            continue
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr) and not isinstance(child, exp.Identifier):
                yield child


def _typed(node: exp.Expr, scope: Scope) -> SqlType | None:
    if isinstance(node, exp.Column):
        return scope.type_of(node)
    if isinstance(node, exp.Cast):
        return _cast(node)
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
        return type_of(node.args["true"])
    rule = _RULES.get(type(node))
    if rule is not None:
        return rule(node)
    if isinstance(node, COMPARISONS):
        _same(node, [node.this, node.expression])
        return BOOLEAN
    if isinstance(node, _LIKE_THEIRS):
        return type_of(node.this)
    call = functions.call_of(node)
    if call is not None:
        return _called(node, call)
    if functions.key_of(node) == "raise_error":
        return NULL  # it stands where a value of any type does, and never gives one
    return _PLATFORMS.get(type(node))


def _called(node: exp.Expr, call: Call) -> SqlType | None:
    """The type of a call, its arguments brought to the kinds it takes."""
    name = call.function.name
    together = [a for a, kind in _given(node, call) if kind in ("common", "numbers")]
    if any(kind == "numbers" for _, kind in _given(node, call)):
        for argument in list(together):
            _need_number(argument, name)
        together = [a for a, _ in _given(node, call)]
    if together:
        _same(node, together)
    given = _given(node, call)  # once more, for casts may stand around arguments now
    found = []
    for argument, kind in given:
        found.append(type_of(_taken(argument, kind, f"{name}()")))
    if None in found:
        return call.function.result if isinstance(call.function.result, SqlType) else None
    known = [kind for kind in found if kind is not None]
    result = call.function.result
    return result if isinstance(result, SqlType) else result(known, node)


def _given(node: exp.Expr, call: Call) -> list[tuple[exp.Expr, Argument]]:
    return [
        (argument, kinds[min(place, len(kinds) - 1)])
        for slot, kinds in call.slots.items()
        for place, argument in enumerate(_arguments(node.args.get(slot)))
    ]


def _arguments(value: object) -> list[exp.Expr]:
    values = value if isinstance(value, list) else [value]
    found: list[exp.Expr] = []
    for one in values:
        if isinstance(one, exp.Distinct):
            found += one.expressions
        elif isinstance(one, exp.Expr) and not isinstance(one, exp.Star):
            found.append(one)
    return found


def _taken(argument: exp.Expr, kind: Argument, name: str) -> exp.Expr:
    if kind == "number":
        return _need_number(argument, name)
    if kind in ("digits", "count"):
        return _need_constant(argument, name, _MOST_ROUNDED if kind == "digits" else None)
    if kind in _FIXED:
        return coerce(argument, _FIXED[kind], name)
    return argument


def _need_number(argument: exp.Expr, name: str) -> exp.Expr:
    kind = type_of(argument)
    if kind == NULL:
        return _cast_in_place(argument, INT)
    if kind is not None and not kind.is_number:
        raise DeclarationError(f"{name} takes numbers, and {_shown(argument)} is {kind}: CAST it.")
    return argument


def _need_constant(argument: exp.Expr, name: str, most: int | None) -> exp.Expr:
    whole = isinstance(argument, exp.Literal) and argument.this.isdigit()
    if not whole or (most is not None and int(argument.this) > most):
        until = f"from 0 to {most}" if most is not None else "from 0 on"
        raise DeclarationError(
            f"{name} takes a whole number {until} that is written out, not {_shown(argument)}."
        )
    return argument


def _same(node: exp.Expr, values: Sequence[exp.Expr]) -> SqlType | None:
    """Bring values to the type they have in common; text written out is read as the others."""
    kinds = [type_of(value) for value in values]
    if None in kinds:
        return None
    others = [k for v, k in zip(values, kinds, strict=True) if k is not None and not _is_text(v)]
    free = all(kind == NULL for kind in others)
    counted = kinds if free else others
    to = types.common(_exact(counted, values if free else [v for v in values if not _is_text(v)]))
    for value in values:
        if to != NULL:
            coerce(value, to, node)
    return to


def _exact(kinds: Sequence[SqlType | None], values: Sequence[exp.Expr]) -> Iterator[SqlType]:
    """Types of values; a whole number written out beside decimals has its own digits alone."""
    decimals = any(kind is not None and kind.name == "DECIMAL" for kind in kinds)
    for kind, value in zip(kinds, values, strict=True):
        if kind is not None:
            yield _literal_decimal(value) or kind if decimals else kind


def _literal_decimal(value: exp.Expr) -> SqlType | None:
    """The type of the digits of a whole number written out, whatever it is cast to."""
    whole = isinstance(value, exp.Cast) and type_of(value) in (INT, BIGINT)
    value = value.this if whole else value
    inner = value.this if isinstance(value, exp.Neg) else value
    if isinstance(inner, exp.Literal) and not inner.is_string and inner.this.isdigit():
        return types.decimal(max(1, len(inner.this.lstrip("0"))), 0)
    return None


def _add(node: exp.Expr) -> SqlType | None:
    """Numbers, or a time and an interval, or a date and days."""
    left, right = type_of(node.this), type_of(node.expression)
    if INTERVAL in (left, right):
        interval = node.expression if right == INTERVAL else node.this
        moment = left if right == INTERVAL else right
        if moment == NULL:
            null = node.this if right == INTERVAL else node.expression
            moment = type_of(_cast_in_place(null, TIMESTAMP))
        if moment is None or (moment.is_time and not (right != INTERVAL and _is_sub(node))):
            return _moved(moment, interval)
    elif left == DATE and right in (INT, BIGINT):
        coerce(node.expression, INT, "a number of days")
        return DATE
    elif _is_sub(node) and left is not None and left.is_time and right is not None:
        raise DeclarationError(
            f"{_shown(node)} is an interval, which no table holds: write timestampdiff(SECOND, …) "
            "or datediff(…)."
        )
    return _arithmetic(node)


def _is_sub(node: exp.Expr) -> bool:
    return isinstance(node, exp.Sub)


def _moved(moment: SqlType | None, interval: exp.Expr) -> SqlType | None:
    unit = str(interval.args["unit"].this).upper() if interval.args.get("unit") else ""
    days = unit.rstrip("S") in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    return TIMESTAMP if moment == DATE and not days else moment


def _arithmetic(node: exp.Expr) -> SqlType | None:
    sign = _SIGNS[type(node)]
    sides = [_need_number(side, sign) for side in (node.this, node.expression)]
    kinds = [type_of(side) for side in sides]
    if None in kinds:
        return None
    left, right = (kind for kind in kinds if kind is not None)
    if DOUBLE in (left, right) or "DECIMAL" not in (left.name, right.name):
        return _same(node, sides)
    one, other = (types.as_decimal(_literal_decimal(s) or type_of(s) or left) for s in sides)
    if isinstance(node, exp.Mul):
        for side, kind in zip(sides, (one, other), strict=True):
            coerce(side, kind, "a product")
        return types.decimal(one.digits + other.digits + 1, one.scale + other.scale)
    both = types.common([one, other])
    for side in sides:
        coerce(side, both, "a sum")
    return types.decimal(both.digits + 1, both.scale)


def _divide(node: exp.Expr) -> SqlType:
    for side in (node.this, node.expression):
        coerce(side, DOUBLE, "/")
    return DOUBLE


def _whole_divide(node: exp.Expr) -> SqlType:
    for side in (node.this, node.expression):
        coerce(side, BIGINT, "DIV")
    return BIGINT


def _negative(node: exp.Expr) -> SqlType | None:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return types.of_number(f"-{node.this.this}")
    return type_of(_need_number(node.this, "-"))


def _booleans(node: exp.Expr) -> SqlType:
    for side in (node.this, node.args.get("expression")):
        if side is not None:
            coerce(side, BOOLEAN, node.key.upper())
    return BOOLEAN


def _is(node: exp.Expr) -> SqlType:
    if isinstance(node.expression, exp.Boolean):
        coerce(node.this, BOOLEAN, "IS")
    return BOOLEAN


def _among(node: exp.Expr) -> SqlType:
    if node.expressions:
        _same(node, [node.this, *node.expressions])
        return BOOLEAN
    from lakehouse.language.sql.typed import convert_columns

    inner = node.args.get("query")
    if inner is not None:
        kinds = [type_of(node.this), type_of(inner)]
        if None not in kinds:
            to = types.common([kind for kind in kinds if kind is not None])
            coerce(node.this, to, "IN")
            convert_columns(inner, [to])
    return BOOLEAN


def _between(node: exp.Expr) -> SqlType:
    _same(node, [node.this, node.args["low"], node.args["high"]])
    return BOOLEAN


def _texts(node: exp.Expr) -> SqlType:
    for side in (node.this, node.expression):
        coerce(side, STRING, "LIKE" if isinstance(node, exp.Like) else "||")
    return BOOLEAN if isinstance(node, exp.Like) else STRING


def _case(node: exp.Expr) -> SqlType | None:
    conditions = [branch.this for branch in node.args["ifs"]]
    if node.this is not None:
        _same(node, [node.this, *conditions])
    else:
        for condition in conditions:
            coerce(condition, BOOLEAN, "WHEN")
    values = [branch.args["true"] for branch in node.args["ifs"]]
    if node.args.get("default") is not None:
        values.append(node.args["default"])
    return _same(node, values)


def _if(node: exp.Expr) -> SqlType | None:
    coerce(node.this, BOOLEAN, "if()")
    values = [node.args["true"], node.args.get("false")]
    return _same(node, [value for value in values if value is not None])


def _window(node: exp.Expr) -> SqlType | None:
    return type_of(node.this)


def _cast(node: exp.Expr) -> SqlType | None:
    name = functions.CAST_TYPES.get(node.args["to"].this)
    if name is None:
        return None
    given = [int(p.name) for p in node.args["to"].expressions]
    to = SqlType(name, *given) if name == "DECIMAL" else SqlType(name)
    kind = type_of(node.this)
    if kind is not None and not _casts(kind, to):
        raise DeclarationError(f"{_shown(node.this)} is {kind}, and {_no_cast(kind, to)}.")
    return to


def _no_cast(kind: SqlType, to: SqlType) -> str:
    if to == STRING:
        return "CAST of a float to STRING has no portable form: CAST it to a DECIMAL first"
    if kind == TIMESTAMP and to.is_number:
        return f"no CAST makes it {to}: write unix_seconds() or unix_micros()"
    return f"no CAST makes it {to}"


def _casts(kind: SqlType, to: SqlType) -> bool:
    if kind in (NULL, STRING) or kind == to:
        return True
    if to == STRING:
        return kind != DOUBLE
    if kind.is_time or to.is_time:
        return kind.is_time and to.is_time
    return True


def _converts(node: exp.Expr, kind: SqlType, to: SqlType) -> bool:
    """Whether an expression is taken for another type without a CAST of its own."""
    if kind == NULL or to == STRING or _is_text(node):
        return _casts(kind, to) and (to != BOOLEAN or kind == NULL)
    if kind.is_number and to.is_number:
        whole = to.name in ("INT", "BIGINT")
        return kind.name in ("INT", "BIGINT") or (not whole and (kind.is_exact or to == DOUBLE))
    return (kind.is_time and to.is_time) or (kind == STRING and to.is_time)


def _cast_in_place(node: exp.Expr, to: SqlType) -> exp.Expr:
    cast = exp.Cast(to=exp.DataType.build(str(to), dialect="spark"))
    set_type(cast, to)
    node.replace(cast)
    cast.set("this", node)
    return cast


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _shown(node: exp.Expr) -> str:
    from lakehouse.language.sql.portable import render

    text = render(node)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _literal(node: exp.Expr) -> SqlType:
    return STRING if node.is_string else types.of_number(str(node.this))


_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_RULES: dict[type[exp.Expr], Callable[[exp.Expr], SqlType | None]] = {
    exp.Literal: _literal,
    exp.Boolean: lambda _: BOOLEAN,
    exp.Null: lambda _: NULL,
    exp.Interval: lambda _: INTERVAL,
    exp.Neg: _negative,
    exp.Add: _add,
    exp.Sub: _add,
    exp.Mul: _arithmetic,
    exp.Div: _divide,
    exp.IntDiv: _whole_divide,
    exp.And: _booleans,
    exp.Or: _booleans,
    exp.Not: _booleans,
    exp.Is: _is,
    exp.In: _among,
    exp.Between: _between,
    exp.Like: _texts,
    exp.DPipe: _texts,
    exp.Case: _case,
    exp.If: _if,
    exp.Exists: lambda _: BOOLEAN,
    exp.Window: _window,
}
