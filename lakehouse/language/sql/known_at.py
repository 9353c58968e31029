"""When a row of a curated table is known: when the last of the rows it comes from was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from lakehouse.errors import DeclarationError
from lakehouse.language.provenance import KNOWN_AT

_EXPLICIT = f"select {KNOWN_AT} explicitly, as in greatest(a.{KNOWN_AT}, b.{KNOWN_AT})"


@dataclass(frozen=True)
class _Source:
    """One table of a FROM clause, under its alias.

    `columns` are those a star stands for. `timed` is false for constant rows. An `optional` one
    may be absent in a row of an outer join.
    """

    alias: str
    columns: tuple[str, ...]
    timed: bool
    optional: bool


def add_known_at(
    tree: exp.Query, inputs: Mapping[str, Sequence[str]], where: str = "SQL"
) -> exp.Query:
    """Return the query with a last column `_known_at`, unless it selects one itself.

    `inputs` are the tables it may read, with their columns. The known time is the greatest of the
    inputs' known times; an absent row of an outer join counts as nothing, an aggregate takes the
    greatest of its rows, and a row is never known if one of its inputs never is. Stars are
    replaced by the inputs' columns without those that begin with `_`. Raises DeclarationError where
    the time cannot be told: DISTINCT, windows, semi joins and subqueries outside FROM.
    """
    if _selects_it(tree) and not tree.is_star:
        return tree.copy()
    named = {name.lower(): tuple(columns) for name, columns in inputs.items()}
    return _Query(named, where).added(tree.copy())


class _Query:
    """The inputs and CTEs a query sees."""

    def __init__(self, inputs: Mapping[str, tuple[str, ...]], where: str) -> None:
        self.inputs = dict(inputs)
        self.where = where

    def wrong(self, why: str) -> DeclarationError:
        comma = "" if why.endswith("else") else ";"
        return DeclarationError(f"{self.where}: {why}{comma} {_EXPLICIT}.")

    def added(self, query: exp.Query) -> exp.Query:
        inner = _Query(self.inputs, self.where)
        for cte in query.ctes:
            body = inner.added(cte.this)
            cte.set("this", body)
            inner.inputs[cte.alias.lower()] = tuple(body.named_selects)
        return inner._body(query)

    def _body(self, query: exp.Query) -> exp.Query:
        if isinstance(query, exp.Subquery):
            query.set("this", self.added(query.this))
            return query
        if isinstance(query, exp.SetOperation):
            return self._union(query)
        if isinstance(query, exp.Select):
            return self._select(query)
        raise self.wrong(f"the known time of {query.key.upper()} cannot be told")

    def _union(self, query: exp.SetOperation) -> exp.Query:
        told = _selects_it(query)
        for side in ("this", "expression"):
            query.set(side, self.added(query.args[side]))
        if not told and (query.args.get("distinct") or not isinstance(query, exp.Union)):
            raise self.wrong(
                f"{query.key.upper()} compares whole rows, which a known time would tell apart: "
                "write UNION ALL and GROUP BY, else"
            )
        places = [side.named_selects.index(KNOWN_AT) for side in (query.left, query.right)]
        if places[0] != places[1]:
            raise self.wrong(f"the sides of the union have {KNOWN_AT} at different places")
        return query

    def _select(self, query: exp.Select) -> exp.Query:
        sources = self._sources(query)
        self._expand_stars(query, sources)
        if KNOWN_AT in query.named_selects:
            return query
        if query.args.get("distinct"):
            raise self.wrong("DISTINCT compares whole rows: write GROUP BY, else")
        own = [query.args.get(part) for part in ("where", "having", "group", "joins")]
        for part in _expressions([*query.expressions, *own]):
            found = next((n for n in part.walk() if isinstance(n, exp.Window)), None)
            if found is not None:
                raise self.wrong("a window reads other rows, whose known time counts too")
            if not isinstance(part, exp.Join) and part.find(exp.Subquery, exp.Select):
                raise self.wrong("a subquery outside FROM reads rows, whose known time counts too")
        timed = [source for source in sources if source.timed]
        if not timed:
            raise self.wrong("no input with a known time is read")
        query.select(
            exp.alias_(_greatest(timed, _aggregates(query)), KNOWN_AT), append=True, copy=False
        )
        return query

    def _sources(self, query: exp.Select) -> list[_Source]:
        start = query.args.get("from_")
        if start is None:
            raise self.wrong("there is no FROM")
        sources = [self._source(start.this, False)]
        for join in query.args.get("joins") or []:
            side, kind = (join.side or "").upper(), (join.kind or "").upper()
            if kind == "SEMI":
                raise self.wrong("a semi join hides when the rows it asks for were known")
            if kind == "ANTI":
                continue  # rows that are absent are known at no time
            if side in ("RIGHT", "FULL"):
                sources = [_Source(s.alias, s.columns, s.timed, True) for s in sources]
            sources.append(self._source(join.this, side in ("LEFT", "FULL")))
        return sources

    def _source(self, table: exp.Expr, optional: bool) -> _Source:
        if isinstance(table, exp.Subquery):
            table.set("this", self.added(table.this))
            return _Source(table.alias, tuple(table.this.named_selects), True, optional)
        if isinstance(table, exp.Values):
            names = tuple(column.name for column in table.args["alias"].args.get("columns") or ())
            return _Source(table.alias, names, False, optional)
        columns = self.inputs.get(table.name.lower())
        if columns is None or KNOWN_AT not in columns:
            raise self.wrong(f"'{table.name}' gives no {KNOWN_AT}")
        return _Source(table.alias_or_name, columns, True, optional)

    def _expand_stars(self, query: exp.Select, sources: Iterable[_Source]) -> None:
        expanded: list[exp.Expr] = []
        for selected in query.expressions:
            if not selected.is_star or selected.find(exp.AggFunc):
                expanded.append(selected)
                continue
            of = selected.table.lower() if isinstance(selected, exp.Column) else ""
            if not of and any(join.args.get("using") for join in query.args.get("joins") or []):
                raise self.wrong("a star over a join with USING stands for no plain columns")
            expanded += [
                exp.column(name, table=source.alias, quoted=True)
                for source in sources
                if of in ("", source.alias.lower())
                for name in source.columns
                if not name.startswith("_")
            ]
        query.set("expressions", expanded)


def _selects_it(query: exp.Expr) -> bool:
    if isinstance(query, exp.SetOperation):
        return _selects_it(query.left) and _selects_it(query.right)
    return isinstance(query, exp.Query) and KNOWN_AT in query.named_selects


def _expressions(parts: Iterable[exp.Expr | list[exp.Expr] | None]) -> list[exp.Expr]:
    """The expressions of a SELECT's clauses; of a join, its condition."""
    found: list[exp.Expr] = []
    for part in parts:
        for item in part if isinstance(part, list) else [part]:
            inner = item.args.get("on") if isinstance(item, exp.Join) else item
            if inner is not None:
                found.append(inner)
    return found


def _aggregates(query: exp.Select) -> bool:
    return query.args.get("group") is not None or any(
        selected.find(exp.AggFunc) for selected in query.expressions
    )


def _greatest(sources: Sequence[_Source], grouped: bool) -> exp.Expr:
    """The greatest known time of the sources, null if one that must be there has none."""

    def column(source: _Source) -> exp.Expr:
        return exp.column(KNOWN_AT, table=source.alias, quoted=True)

    times = [exp.Max(this=column(s)) if grouped else column(s) for s in sources]
    greatest = times[0] if len(times) == 1 else exp.Greatest(this=times[0], expressions=times[1:])
    if len(times) == 1 and not grouped:
        return greatest
    conditions: list[exp.Expr] = []
    for source in sources:
        if not source.optional:
            held: exp.Expr = exp.Not(this=exp.Is(this=column(source), expression=exp.Null()))
            if grouped:
                counted = exp.Count(this=column(source), big_int=True)
                held = exp.EQ(this=counted, expression=exp.Count(this=exp.Star(), big_int=True))
            conditions.append(held)
    if not conditions:
        return greatest
    return exp.Case(ifs=[exp.If(this=exp.and_(*conditions), true=greatest)])
