"""A query with the type of every expression, and a cast wherever two types meet.

What engines would convert by rules of their own is written out: after this, each operator and
function is given the very types it takes, so that an engine's translation has nothing to guess.
Text written out beside a date or a number is read as one; other text is not, in no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlglot import exp

from lakehouse.errors import DeclarationError
from lakehouse.language.sql import types
from lakehouse.language.sql.scopes import Columns, Scope
from lakehouse.language.sql.typed_expressions import coerce, set_type, type_expression, type_of
from lakehouse.language.sql.types import BOOLEAN, SqlType, Unlike

E = TypeVar("E", bound=exp.Expr)
Tables = Mapping[str, Columns]
"""The columns of each table a query may read, under its name in small letters."""


def typed(tree: E, tables: Tables) -> E:
    """Return a copy of a query, typed: `type_of` tells the type of each of its expressions.

    A type is None where a column's is not known, and for what is not portable, which only the
    platform's own SQL uses. Raises DeclarationError where types do not fit.

    >>> from lakehouse.language.sql.portable import parse
    >>> query = parse("SELECT day > '2020-01-01' AS late, n + 1 AS more FROM {t}", "Query")
    >>> from lakehouse.language.sql.types import BIGINT, DATE
    >>> typed(query, {"t": {"day": DATE, "n": BIGINT}}).sql("spark")
    "SELECT day > CAST('2020-01-01' AS DATE) AS late, n + CAST(1 AS BIGINT) AS more FROM `t`"
    """
    tree = _spelt_out(tree)
    if isinstance(tree, exp.Query):
        _Queries(dict(tables)).output(tree, None)
    else:
        type_expression(tree, Scope([(name, dict(of)) for name, of in tables.items()]), _no_query)
    return tree


def typed_condition(condition: exp.Expr, columns: Columns) -> exp.Expr:
    """Return a copy of a condition on the rows of one table, typed."""
    root = exp.Paren(this=_spelt_out(condition))
    type_expression(root.this, Scope([("", dict(columns))]), _no_query)
    coerce(root.this, BOOLEAN, "a condition")
    found: exp.Expr = root.this
    return found.pop()


def _spelt_out(tree: E) -> E:
    """A copy with `timestampdiff` for `datediff(HOUR, …)`, whose sides were taken for dates."""
    root = exp.Tuple(expressions=[tree.copy()])  # so that the tree itself may be replaced
    for node in list(root.find_all(exp.DateDiff)):
        if node.args.get("unit") is not None:
            sides = (node.this, node.expression)
            end, start = (s.this if isinstance(s, exp.TsOrDsToDate) else s for s in sides)
            unit = node.args["unit"]
            node.replace(exp.TimestampDiff(this=end, expression=start, unit=unit))
    found: E = root.expressions[0]
    found.pop()
    return found


def _no_query(query: exp.Expr, outer: Scope) -> list[tuple[str, SqlType | None]]:  # noqa: ARG001
    raise DeclarationError("A condition on rows holds no query.")


class _Queries:
    """The tables and CTEs that a query sees."""

    def __init__(self, tables: dict[str, Columns]) -> None:
        self._tables = tables

    def output(self, query: exp.Expr, outer: Scope | None) -> list[tuple[str, SqlType | None]]:
        """Type a query and return the names and types of its columns."""
        inner = _Queries(dict(self._tables))
        for cte in query.args["with_"].expressions if query.args.get("with_") else ():
            columns = inner.output(cte.this, outer)
            inner._tables[cte.alias.lower()] = _columns(_renamed(columns, cte))
        if isinstance(query, exp.Subquery):
            return inner.output(query.this, outer)
        if isinstance(query, exp.SetOperation):
            return inner._set_operation(query, outer)
        return inner._select(query, outer)

    def _set_operation(
        self, query: exp.SetOperation, outer: Scope | None
    ) -> list[tuple[str, SqlType | None]]:
        left, right = (self.output(query.args[s], outer) for s in ("this", "expression"))
        found: list[tuple[str, SqlType | None]] = []
        for (name, one), (_, other) in zip(left, right, strict=False):
            found.append((name, _together(f"column '{name}' of {query.key.upper()}", one, other)))
        for side in (query.left, query.right):
            convert_columns(side, [kind for _, kind in found])
        return found

    def _select(self, query: exp.Expr, outer: Scope | None) -> list[tuple[str, SqlType | None]]:
        scope = Scope(self._sources(query, outer), outer)
        type_here = _typer(scope, self)
        for join in query.args.get("joins") or ():
            if join.args.get("on") is not None:
                type_here(join.args["on"])
                coerce(join.args["on"], BOOLEAN, "a condition of JOIN")
        _condition(query.args.get("where"), type_here, "WHERE")
        found: list[tuple[str, SqlType | None]] = []
        for selected in list(query.expressions):
            if selected.is_star and not selected.find(exp.AggFunc):
                table = selected.table if isinstance(selected, exp.Column) else ""
                star = selected.this if isinstance(selected, exp.Column) else selected
                left_out = {e.name.lower() for e in star.args.get("except_") or ()}
                using = any(join.args.get("using") for join in query.args.get("joins") or ())
                columns = scope.star(table)
                columns = list(dict(columns).items()) if using else columns
                found += [c for c in columns if c[0].lower() not in left_out]
                continue
            type_here(selected)
            kind = type_of(selected)
            found.append((selected.alias_or_name, kind))
            scope.selected.setdefault(selected.alias_or_name.lower(), kind)
        for clause in ("group", "order"):
            for part in query.args[clause].expressions if query.args.get(clause) else ():
                type_here(part)
        _condition(query.args.get("having"), type_here, "HAVING")
        _condition(query.args.get("qualify"), type_here, "QUALIFY")
        return found

    def _sources(self, query: exp.Expr, outer: Scope | None) -> list[tuple[str, Columns]]:
        start = query.args.get("from_")
        tables = [start.this] if start is not None else []
        tables += [join.this for join in query.args.get("joins") or ()]
        return [(t.alias_or_name, self._columns_of(t, outer)) for t in tables]

    def _columns_of(self, table: exp.Expr, outer: Scope | None) -> Columns:
        if isinstance(table, exp.Subquery):
            return _columns(_renamed(self.output(table.this, outer), table))
        if isinstance(table, exp.Values):
            return _columns(_renamed(self._rows(table, outer), table))
        columns = self._tables.get(table.name.lower(), {})
        return _columns(_renamed(list(columns.items()), table))

    def _rows(self, values: exp.Values, outer: Scope | None) -> list[tuple[str, SqlType | None]]:
        """The columns of VALUES, whose rows are brought to types in common."""
        rows = [row.expressions for row in values.expressions]
        type_here = _typer(Scope([], outer), self)
        for row in rows:
            for value in row:
                type_here(value)
        kinds = []
        for place in range(min(map(len, rows))):
            column = [type_of(row[place]) for row in rows]
            kinds.append(_together(f"column {place + 1} of VALUES", *column))
        for row in values.expressions:
            for place, kind in enumerate(kinds):
                if kind is not None:
                    coerce(row.expressions[place], kind, "VALUES")
        return [(f"col{n + 1}", kind) for n, kind in enumerate(kinds)]


_Typer = Callable[[exp.Expr], None]


def _typer(scope: Scope, queries: _Queries) -> _Typer:
    return lambda node: type_expression(node, scope, queries.output)


def _condition(clause: exp.Expr | None, type_here: _Typer, where: str) -> None:
    if clause is not None:
        type_here(clause.this)
        coerce(clause.this, BOOLEAN, f"a condition of {where}")


def _columns(named: Sequence[tuple[str, SqlType | None]]) -> Columns:
    return {name.lower(): kind for name, kind in named}


def _renamed(
    columns: Sequence[tuple[str, SqlType | None]], source: exp.Expr
) -> list[tuple[str, SqlType | None]]:
    alias = source.args.get("alias")
    names = [c.name for c in (alias.args.get("columns") or ())] if alias is not None else []
    return [(name, kind) for (_, kind), name in zip(columns, names, strict=False)] or list(columns)


def _together(where: str, *kinds: SqlType | None) -> SqlType | None:
    if None in kinds:
        return None
    try:
        return types.common([kind for kind in kinds if kind is not None])
    except Unlike as error:
        raise DeclarationError(f"In {where}, {error}.") from None


def convert_columns(query: exp.Expr, kinds: Sequence[SqlType | None]) -> None:
    """Cast the columns that a query selects to these types, where they are others."""
    if isinstance(query, exp.Subquery):
        convert_columns(query.this, kinds)
    elif isinstance(query, exp.SetOperation):
        convert_columns(query.left, kinds)
        convert_columns(query.right, kinds)
    elif not any(selected.is_star for selected in query.expressions):
        for selected, kind in zip(list(query.expressions), kinds, strict=False):
            inner = selected.this if isinstance(selected, exp.Alias) else selected
            if kind is None or type_of(inner) in (None, kind):
                continue
            name = selected.alias_or_name
            cast = coerce(inner, kind, "a column")
            if cast.parent is query and name:
                alias = exp.alias_(cast.copy(), name, quoted=True)
                set_type(alias, kind)
                cast.replace(alias)
