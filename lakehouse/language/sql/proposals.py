"""What to write instead of what is not portable."""

from __future__ import annotations

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

_BY_NAME = {
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
PROPOSALS = {name: text for names, text in _BY_NAME.items() for name in names.split()}
"""What to write instead, by sqlglot's class name or the function's own name."""
