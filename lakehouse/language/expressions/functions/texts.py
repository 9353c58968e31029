"""Functions of texts; letters and lengths are by Unicode character."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lakehouse.language import letter_case, patterns
from lakehouse.language.expressions.function import Constant, Function, Sql, Takes
from lakehouse.language.expressions.nodes import Call, Literal, Node
from lakehouse.language.expressions.python_forms import strict
from lakehouse.language.expressions.sql_forms import constant, form, named
from lakehouse.language.kinds import Kind

TEXT = Takes(("string",))


def _text(
    name: str,
    arguments: tuple[str, ...],
    gives: str,
    plain: Callable[..., Any],
    kind: Kind = "string",
    sql: Sql = named,
) -> Function:
    return Function(
        name=name,
        written=f"{name}({', '.join(arguments)})",
        gives=gives,
        takes=(TEXT,) * len(arguments),
        kind=kind,
        sql=sql,
        python=strict(plain),
    )


def _replace(text: str, what: str, by: str) -> str:
    """Nothing is no part of a text, so it is not replaced; Python's own puts `by` everywhere."""
    return text.replace(what, by) if what else text


def _why_refused(pattern: Any) -> str:
    """What is wrong with a pattern, empty where nothing is."""
    if not isinstance(pattern, str):
        return ""
    try:
        patterns.parse(pattern)
    except patterns.PatternError as error:
        return f"'{pattern}' {error}"
    return ""


PATTERN = Takes(
    ("string",),
    constant=Constant(
        lambda value: isinstance(value, str) and not _why_refused(value),
        "a pattern in quotes, as str_matches of a contract does",
        ("D.*", "(?i:de|fr)", r"\w+", "[^a-z]{0,3}", "", "(é|e.)+"),
        _why_refused,
    ),
)


def _matches_sql(call: Call, write: Callable[[Node], str]) -> str:
    pattern = patterns.parse(constant(call, 1)).sql
    return f"({write(call.arguments[0])} RLIKE {write(Literal(pattern))})"


FUNCTIONS = (
    _text("lower", ("s",), "the text in small letters", letter_case.lower),
    _text("upper", ("s",), "the text in capital letters", letter_case.upper),
    _text("length", ("s",), "characters", len, "int", form("CAST(LENGTH({0}) AS BIGINT)")),
    _text(
        "contains",
        ("s", "part"),
        "whether the part stands in the text",
        lambda text, part: part in text,
        "bool",
    ),
    _text(
        "starts_with",
        ("s", "beginning"),
        "whether the text begins so",
        str.startswith,
        "bool",
        form("STARTSWITH({0}, {1})"),
    ),
    _text(
        "ends_with",
        ("s", "end"),
        "whether the text ends so",
        str.endswith,
        "bool",
        form("ENDSWITH({0}, {1})"),
    ),
    Function(
        name="matches",
        written="matches(s, 'pattern')",
        gives="whether the whole text matches a pattern, of those that `str_matches` takes",
        takes=(TEXT, PATTERN),
        kind="bool",
        sql=_matches_sql,
        python=strict(lambda text, pattern: patterns.parse(pattern).matches(text)),
    ),
    _text("replace", ("s", "what", "by"), "the text with every `what` as `by`", _replace),
)
