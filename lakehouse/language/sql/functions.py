"""What portable SQL consists of: operators, clauses and functions that mean one thing everywhere.

Each function has a conformance test on awkward values. What is left out differs between engines,
depends on the order of rows, or reads a clock or chance.
"""

from __future__ import annotations

from sqlglot import exp

OPERATORS = (
    "+ - * / % DIV || = == <> != < <= > >= <=> AND OR NOT IS [NOT] NULL IS [NOT] DISTINCT FROM "
    "[NOT] IN [NOT] BETWEEN [NOT] LIKE CASE CAST TRY_CAST ::"
)

FUNCTIONS: dict[str, str] = {
    "abs": "abs(x)",
    "ceil": "ceil(x), a whole number",
    "floor": "floor(x), a whole number",
    "round": "round(x, digits), half away from zero",
    "sign": "sign(x)",
    "sqrt": "sqrt(x), NaN below zero",
    "exp": "exp(x)",
    "ln": "ln(x), null for x ≤ 0",
    "power": "power(x, y)",
    "mod": "mod(x, y), the sign of x",
    "greatest": "greatest(x, …), nulls are skipped",
    "least": "least(x, …), nulls are skipped",
    "coalesce": "coalesce(x, …)",
    "nullif": "nullif(x, y)",
    "if": "if(condition, x, y)",
    "isnull": "isnull(x)",
    "isnotnull": "isnotnull(x)",
    "lower": "lower(text)",
    "upper": "upper(text)",
    "length": "length(text), in characters",
    "trim": "trim(text), ltrim(text), rtrim(text): spaces",
    "substring": "substring(text, from, length), from 1",
    "left": "left(text, length)",
    "right": "right(text, length)",
    "concat": "concat(text, …), null with any null",
    "replace": "replace(text, what, by)",
    "startswith": "startswith(text, beginning)",
    "endswith": "endswith(text, end)",
    "contains": "contains(text, part)",
    "lpad": "lpad(text, length, pad), rpad(text, length, pad)",
    "instr": "instr(text, part), 0 if there is none",
    "year": "year(x), quarter(x), month(x), day(x), hour(x), minute(x), second(x) of UTC",
    "dayofweek": "dayofweek(x), 1 for Sunday",
    "weekday": "weekday(x), 0 for Monday",
    "dayofyear": "dayofyear(x)",
    "weekofyear": "weekofyear(x), the ISO week",
    "date_trunc": "date_trunc('hour', time)",
    "trunc": "trunc(date, 'month')",
    "date_add": "date_add(date, days), date_sub(date, days)",
    "datediff": "datediff(end, start), in days",
    "timestampadd": "timestampadd(MINUTE, count, time)",
    "timestampdiff": "timestampdiff(HOUR, start, end), whole units",
    "add_months": "add_months(date, months)",
    "last_day": "last_day(date)",
    "to_date": "to_date(x)",
    "make_date": "make_date(year, month, day)",
    "unix_seconds": "unix_seconds(time)",
    "unix_micros": "unix_micros(time)",
    "timestamp_micros": "timestamp_micros(count)",
    "to_utc_timestamp": "to_utc_timestamp(local time, zone)",
    "from_utc_timestamp": "from_utc_timestamp(time, zone)",
    "count": "count(*), count(x), count(DISTINCT x)",
    "sum": "sum(x)",
    "avg": "avg(x), a float",
    "min": "min(x)",
    "max": "max(x)",
    "count_if": "count_if(condition)",
    "bool_and": "bool_and(x), every(x)",
    "bool_or": "bool_or(x), some(x), any(x)",
    "row_number": "row_number() OVER (… ORDER BY …)",
    "rank": "rank(), dense_rank() OVER (… ORDER BY …)",
    "lag": "lag(x, n), lead(x, n) OVER (… ORDER BY …)",
}
"""The documented functions, with how each is called."""


def _classes(names: str) -> frozenset[type[exp.Expr]]:
    return frozenset(getattr(exp, name) for name in names.split())


CLASSES = (
    _classes(
        "Select From Join Where Group Having Order Ordered With CTE Subquery Union Intersect "
        "Except Distinct Values Tuple Star Column Identifier Table TableAlias Alias "
    )
    | _classes(
        "Literal Boolean Null Paren And Or Not EQ NEQ LT LTE GT GTE NullSafeEQ NullSafeNEQ In "
        "Between Is Like Case If Cast TryCast DataType DataTypeParam Add Sub Mul Div IntDiv Mod "
        "Neg DPipe Interval Var Exists Window WindowSpec "
    )
    | _classes(
        "Abs Ceil Floor Round Sign Sqrt Exp Ln Pow Greatest Least Coalesce Nullif "
        "Lower Upper Length Trim Substring Left Right Concat Replace StartsWith EndsWith Contains "
        "Pad StrPosition Year Quarter Month Day DayOfMonth DayOfWeek DayOfYear WeekOfYear Hour "
        "Minute Second TimestampTrunc DateTrunc TsOrDsAdd DateDiff TimestampAdd TimestampDiff "
        "AddMonths LastDay TsOrDsToDate FromTimeZone AtTimeZone UnixSeconds UnixMicros "
        "Count Sum Avg Min Max CountIf LogicalAnd LogicalOr Any RowNumber Rank DenseRank Lag Lead"
    )
)
"""sqlglot's classes of what is portable: clauses, operators and constants, functions."""

ANONYMOUS = frozenset(
    ("weekday", "isnull", "isnotnull", "every", "some", "make_date", "timestamp_micros")
)
ORDERED_WINDOWS: tuple[type[exp.Expr], ...] = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.Lag,
    exp.Lead,
)

_T = exp.DType
CAST_TYPES = frozenset(
    (
        *(_T.INT, _T.BIGINT, _T.DOUBLE, _T.DECIMAL),
        *(_T.TEXT, _T.BOOLEAN, _T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ),
    )
)
TYPE_NAMES = "INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BOOLEAN, DATE, TIMESTAMP"

_CLOCK = "time is an argument, so SQL reads no clock: compare with a column"
_CHANCE = "chance is an argument, so SQL draws none"
_REGEX = "regular expressions differ between engines: write LIKE, contains() or startswith()"
_FORMAT = (
    "text of times differs between engines: delivered text is typed by the contract, and "
    "year(), month(), day(), hour() or date_trunc() give parts of a time"
)
_ORDER = "it depends on the order of rows: write min(), max(), or choose with row_number()"
_HASH = "hashes differ between engines: compare the columns themselves"
_NESTED = "columns of curated tables are plain values: join instead"
_QUANTILE = "engines interpolate differently: choose the row with row_number()"

_PROPOSALS_BY_NAME = {
    "CurrentTimestamp CurrentDate CurrentTime CurrentDatetime Localtimestamp": _CLOCK,
    "now curdate localtimestamp": _CLOCK,
    "Rand Randn Uuid rand randn random shuffle monotonically_increasing_id": _CHANCE,
    "RegexpLike RegexpExtract RegexpReplace RegexpSplit RegexpILike": _REGEX,
    "TimeToStr StrToTime StrToUnix UnixToTime UnixToStr StrToDate TsOrDsToTimestamp": _FORMAT,
    "First Last AnyValue FirstValue LastValue NthValue ArrayAgg ArgMax ArgMin GroupConcat": _ORDER,
    "collect_set": _ORDER,
    "hash xxhash64 MD5 SHA SHA2 crc32": _HASH,
    "Array Struct Map Bracket Explode Unnest Lateral ArrayFilter Transform ArraySize": _NESTED,
    "Quantile PercentileCont PercentileDisc Median ApproxQuantile": _QUANTILE,
    "ApproxDistinct": "it is not exact: write count(DISTINCT x)",
    "Extract": "write year(x), month(x), day(x), hour(x), minute(x) or second(x)",
    "ILike": "write lower(x) LIKE '…'",
    "Log": "write ln(x) / ln(base)",
    "Nvl2 DecodeCase": "write CASE WHEN … THEN … ELSE … END",
    "mean": "write avg(x)",
    "ConcatWs": "write concat() with coalesce()",
    "Filter": "write sum(CASE WHEN … THEN x END)",
    "Sort Cluster": "rows of a table have no order",
    "Hint": "leave it to the engine",
    "Limit Offset Fetch": "rows beyond a limit are cut by chance where values tie: number them "
    "with row_number() OVER (ORDER BY …) and keep the numbers wanted",
    "Qualify": "number the rows in a subquery and filter outside it",
    "TableSample": _CHANCE,
    "Pivot": "write count_if() or sum(CASE …) for each column",
    "Cube Rollup GroupingSets": "write one SELECT for each level and join them with UNION ALL",
    "Stddev StddevSamp StddevPop Variance VariancePop": "write it from sum(x), sum(x * x) and "
    "count(x)",
    "BitwiseAnd BitwiseOr BitwiseXor BitwiseNot": "there are no bit operators",
}
PROPOSALS = {name: text for names, text in _PROPOSALS_BY_NAME.items() for name in names.split()}
"""What to write instead, by sqlglot's class name or the function's own name."""
