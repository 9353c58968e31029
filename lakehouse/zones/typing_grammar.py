r"""The one grammar that turns delivered text into typed values, as portable SQL.

Every engine runs the same expressions: a regular expression settles what may be read, and only
then the text is cast, so that no engine's own idea of a number or a time shows through.

| kind | what is read |
| --- | --- |
| string | the text as it is |
| int | digits with an optional sign, 64 bits; a fraction of zeros (`7.0`) is allowed |
| decimal | digits, a point, up to `scale` digits and any zeros after them; 18 digits in all |
| float | a decimal number with an optional exponent, finite; no `nan`, no `inf` |
| bool | `true t yes y 1` and `false f no n 0`, in any case |
| date | `YYYY-MM-DD` |
| timestamp | `YYYY-MM-DD`, `T` or a blank, `HH:MM[:SS[.ffffff]]`, then `Z`, `±HH:MM` or `±HH` |

A timestamp without an offset is in the column's declared zone; a date alone is its midnight there.
Years run from 1000 to 9999. A local time that its zone skips is not a time; of an hour that comes
twice the first is meant.

Empty text is null, for strings too (a CSV file cannot tell the two apart). Blanks around a value
are dropped except in strings. Nothing else is null: `NA` or `NULL` in a number breaks the
contract, and in a string is that word.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lakehouse.declare.contract import Column
from lakehouse.errors import DeclarationError
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind
from lakehouse.language.sql import literals
from lakehouse.zones import zone_offsets

_TYPES: dict[Kind, str] = {
    "string": "STRING",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_YEAR = "[1-9][0-9]{3}"
_INNER_YEAR = "(?:[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
"""Where an offset may move a time over the year's end, the year 9999 is left out."""
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
_OFFSET = "[+-](?:0[0-9]|1[0-4])(?::[0-5][0-9])?"
_EXPECTED: dict[Kind, str] = {
    "string": "text",
    "int": "a whole number",
    "float": "a finite number",
    "bool": "true or false",
    "timestamp": "a time like 2018-04-01T06:30:00Z",
    "date": "a date like 2018-04-01",
}


def sql_type(column: Column) -> str:
    """The type of a column in the tables, in portable SQL.

    >>> sql_type(Column("amount_eur", "decimal", scale=2))
    'DECIMAL(18, 2)'
    """
    if column.kind == "decimal":
        return f"DECIMAL({MAX_DECIMAL_PRECISION}, {column.scale})"
    return _TYPES[column.kind]


def expected(column: Column) -> str:
    """What may be written in a column, in words for messages."""
    if column.kind == "decimal":
        digits = MAX_DECIMAL_PRECISION - (column.scale or 0)
        return f"a number of at most {digits} digits and {column.scale} after the point"
    return _EXPECTED[column.kind]


def blank(column: Column, text: str) -> str:
    """The condition that delivered text is null for this column. `text` is an SQL expression."""
    return f"COALESCE({_trimmed(column, text)}, '') = ''"


def typed(column: Column, text: str) -> str:
    """The typed value of delivered text; null where it is blank or breaks the grammar."""
    read = _trimmed(column, text)
    if column.kind == "string":
        return f"NULLIF({read}, '')"
    if column.kind == "bool":
        true, false = (", ".join(map(literals.text, words)) for words in (_TRUE, _FALSE))
        low = f"LOWER({read})"
        return f"CASE WHEN {low} IN ({true}) THEN TRUE WHEN {low} IN ({false}) THEN FALSE END"
    if column.kind == "int":
        zeros = literals.text(r"[.]0*\z")
        without = f"REGEXP_REPLACE({read}, {zeros}, '')"
        whole = f"CASE WHEN {read} LIKE '%.%' THEN {without} ELSE {read} END"
        matches = _matches(read, "[+-]?[0-9]+(?:[.]0*)?")
        return f"CASE WHEN {matches} THEN TRY_CAST({whole} AS BIGINT) END"
    if column.kind == "timestamp":
        return _timestamp(column, read)
    value = f"TRY_CAST({read} AS {sql_type(column)})"
    if column.kind == "float":
        number = "[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]+)?"
        finite = f"ABS({value}) <= 1.7976931348623157E308"
        return f"CASE WHEN {_matches(read, number)} AND {finite} THEN {value} END"
    if column.kind == "date":
        return f"CASE WHEN {_matches(read, f'{_YEAR}-[0-9]{{2}}-[0-9]{{2}}')} THEN {value} END"
    return f"CASE WHEN {_matches(read, _decimal_pattern(column.scale or 0))} THEN {value} END"


def literal(column: Column, value: Any) -> str:
    """A constant of the declaration (a bound, a member of `isin`) as SQL of the column's type.

    Raises DeclarationError for a constant that the column cannot hold.
    """
    wrong = DeclarationError(
        f"Column '{column.name}': {value!r} is no constant for {column.kind}; write "
        f"{expected(column)}."
    )
    try:
        if column.kind == "string" and isinstance(value, str):
            return literals.text(value)
        if column.kind == "bool" and isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if column.kind == "date":
            day = value if isinstance(value, date) else date.fromisoformat(value)
            return f"DATE '{day.isoformat()[:10]}'"
        if column.kind == "timestamp":
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            if at.tzinfo is None:
                at = at.replace(tzinfo=ZoneInfo(column.zone))
            return f"TIMESTAMP '{at.astimezone(UTC).isoformat(sep=' ')}'"
        number = Decimal(str(value))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise wrong from error
    if not column.numeric or isinstance(value, bool) or not math.isfinite(number):
        raise wrong
    if column.kind == "float":
        return f"CAST('{float(number)!r}' AS DOUBLE)"
    return f"{number:f}"


def _trimmed(column: Column, text: str) -> str:
    """The text without blanks around it; few texts have any, and to look is far cheaper."""
    if column.kind == "string":
        return text
    return f"CASE WHEN {text} LIKE ' %' OR {text} LIKE '% ' THEN TRIM({text}) ELSE {text} END"


def _matches(text: str, pattern: str) -> str:
    whole = literals.text(rf"^(?:{pattern})\z")
    return f"({text} RLIKE {whole})"


def _decimal_pattern(scale: int) -> str:
    digits = f"[0-9]{{0,{scale}}}" if scale else ""
    leading = f"|[.][0-9]{{1,{scale}}}0*" if scale else ""
    return f"[+-]?(?:[0-9]+(?:[.]{digits}0*)?{leading})"


def _timestamp(column: Column, read: str) -> str:
    """Each way to write a time, completed to one form, so that a cast has nothing to decide."""
    clock = f"-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}"
    year = _YEAR if column.zone == "UTC" else _INNER_YEAR
    written = (
        f"{year}{clock}|{_YEAR}{clock}Z|{_INNER_YEAR}{clock}{_OFFSET}|{year}-[0-9]{{2}}-[0-9]{{2}}"
    )
    local = (
        f"CASE WHEN LENGTH({read}) = 10 THEN CONCAT({read}, ' 00:00:00') WHEN LENGTH({read}) = 16 "
        f"THEN CONCAT(REPLACE({read}, 'T', ' '), ':00') ELSE REPLACE({read}, 'T', ' ') END"
    )
    if column.zone == "UTC":
        moment = f"TRY_CAST(CONCAT({local}, 'Z') AS TIMESTAMP)"
    else:
        moment = zone_offsets.as_utc_sql(column.zone, local)
    return (
        f"CASE WHEN NOT {_matches(read, written)} THEN NULL "
        f"WHEN {read} LIKE '%Z' OR {_sign(read, 6)} THEN TRY_CAST({read} AS TIMESTAMP) "
        f"WHEN {_sign(read, 3)} THEN TRY_CAST(CONCAT({read}, ':00') AS TIMESTAMP) "
        f"ELSE {moment} END"
    )


def _sign(read: str, from_end: int) -> str:
    """Whether an offset's sign stands there; the hyphens of a date alone stand there too."""
    sign = f"SUBSTRING({read}, LENGTH({read}) - {from_end - 1}, 1) IN ('+', '-')"
    return f"LENGTH({read}) > 10 AND {sign}"
