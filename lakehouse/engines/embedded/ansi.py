"""DuckDB macros that give portable SQL its ANSI meaning where DuckDB's own differs.

A macro chooses by the type of its argument when a query is bound. Each cast has a `try_` twin
that gives null where the cast raises. Error texts hold no values: these may be personal.
"""

from __future__ import annotations

from lakehouse.language.sql.text_casts import PATTERNS, WHAT, Cast


def _checked(name: Cast, kind: str, cast: str) -> str:
    pattern = PATTERNS[name].pattern
    text = f"CAST to {kind}: a text is not a {WHAT[name]}"
    return (
        f"CASE WHEN x IS NULL OR regexp_full_match(x, '{pattern}') THEN {cast} "
        f"ELSE error('{text}') END"
    )


def _casts(name: Cast, kind: str, others: dict[str, str]) -> list[str]:
    """The macros portable_<name> and portable_try_<name>; text is held against one pattern."""
    strict = {"VARCHAR": _checked(name, kind, f"CAST(trim(x) AS {kind})")} | others
    lenient = {
        "VARCHAR": f"CASE WHEN regexp_full_match(x, '{PATTERNS[name].pattern}') "
        f"THEN TRY_CAST(trim(x) AS {kind}) END"
    } | {t: f"TRY({body})" if "CAST" in body else body for t, body in others.items()}
    return [
        f"CREATE MACRO portable_{prefix}{name} "
        + ", ".join(f"(x {source}) AS {body}" for source, body in bodies.items())
        for prefix, bodies in (("", strict), ("try_", lenient))
    ]


def _number_casts(kind: str, whole: str) -> dict[str, str]:
    cast = f"CAST(x AS {kind})"
    return {
        "BIGINT": cast,
        "HUGEINT": cast,
        "DOUBLE": whole.format(f"CAST(x AS {kind})", "x", kind=kind),
        "DECIMAL(38, 18)": whole.format(f"CAST(x AS {kind})", "x", kind=kind),
        "BOOLEAN": cast,
    }


_DECIMAL = PATTERNS["decimal"].pattern
_CUT = "CAST(trunc({1}) AS {kind})"

MACROS: tuple[str, ...] = (
    *_casts("int", "INTEGER", _number_casts("INTEGER", _CUT)),
    *_casts("bigint", "BIGINT", _number_casts("BIGINT", _CUT)),
    *_casts("double", "DOUBLE", _number_casts("DOUBLE", "{0}")),
    *_casts("date", "DATE", {"TIMESTAMPTZ": "CAST(x AS DATE)", "DATE": "x"}),
    *_casts(
        "timestamp",
        "TIMESTAMPTZ",
        {"DATE": "CAST(x AS TIMESTAMPTZ)", "TIMESTAMPTZ": "x"},
    ),
    *_casts(
        "boolean",
        "BOOLEAN",
        {"BOOLEAN": "x", "BIGINT": "x <> 0", "DOUBLE": "x <> 0"},
    ),
    # What a decimal is cast from: a float through its shortest text, which then rounds half up.
    "CREATE MACRO portable_to_decimal "
    f"(x VARCHAR) AS {_checked('decimal', 'DECIMAL', 'trim(x)')}, "
    "(x DOUBLE) AS CAST(x AS VARCHAR), (x DECIMAL(38, 18)) AS x, (x HUGEINT) AS x, "
    "(x BIGINT) AS x, (x BOOLEAN) AS CAST(x AS INTEGER)",
    "CREATE MACRO portable_try_to_decimal "
    f"(x VARCHAR) AS CASE WHEN regexp_full_match(x, '{_DECIMAL}') THEN trim(x) END, "
    "(x DOUBLE) AS CAST(x AS VARCHAR), (x DECIMAL(38, 18)) AS x, (x HUGEINT) AS x, "
    "(x BIGINT) AS x, (x BOOLEAN) AS CAST(x AS INTEGER)",
    """
    CREATE MACRO portable_string(x) AS CASE typeof(x)
        WHEN 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(CAST(x AS VARCHAR), '[+]00$', '')
        WHEN 'DOUBLE' THEN error('CAST of a float to STRING has no portable form: CAST it to a '
            || 'DECIMAL first')
        ELSE CAST(x AS VARCHAR) END
    """,
    """
    CREATE MACRO portable_divide(a, b) AS CASE
        WHEN CAST(b AS DOUBLE) = 0 AND a IS NOT NULL THEN error('Division by zero')
        ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE) END
    """,
    """
    CREATE MACRO portable_remainder(a, b) AS CASE
        WHEN b = 0 AND a IS NOT NULL THEN error('Division by zero') WHEN b <> 0 THEN a % b END
    """,
    "CREATE MACRO portable_div(a BIGINT, b BIGINT) AS CASE "
    "WHEN b = 0 AND a IS NOT NULL THEN error('Division by zero') WHEN b <> 0 THEN a // b END",
    "CREATE MACRO portable_ln(x) AS CASE WHEN x > 0 THEN ln(x) END",
    "CREATE MACRO portable_whole(x DOUBLE) AS CAST(x AS BIGINT), "
    "(x DECIMAL(38, 18)) AS CAST(x AS BIGINT), (x BIGINT) AS x",
    # A float is rounded as it is written: 1.005 is half way, though its binary value is below.
    "CREATE MACRO portable_round (x DOUBLE, digits) AS CASE WHEN abs(x) < 1e17 "
    "THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 20)), digits) AS DOUBLE) ELSE x END, "
    "(x DECIMAL(38, 18), digits) AS round(x, digits), (x HUGEINT, digits) AS round(x, digits), "
    "(x BIGINT, digits) AS round(x, digits)",
    "CREATE MACRO portable_start(x) AS CASE WHEN x = 0 THEN 1 ELSE x END",
    "CREATE MACRO portable_seconds(x TIMESTAMPTZ) AS CAST(floor(epoch_us(x) / 1000000) AS BIGINT)",
)
"""Statements that make every macro; their order does not matter."""
