"""What text a CAST of portable SQL takes, the same in every engine.

The patterns use only what RE2, Java and Python read alike.
"""

from __future__ import annotations

import re
from typing import Literal

Cast = Literal["int", "bigint", "double", "decimal", "date", "timestamp", "boolean"]

_WHOLE = r"\s*[+-]?[0-9]+\s*"
_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_DATE = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*"
_TIME = (
    r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?\s*"
)
_TRUTH = r"\s*([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])\s*"

PATTERNS: dict[Cast, re.Pattern[str]] = {
    "int": re.compile(_WHOLE),
    "bigint": re.compile(_WHOLE),
    "double": re.compile(_NUMBER),
    "decimal": re.compile(_NUMBER),
    "date": re.compile(_DATE),
    "timestamp": re.compile(_TIME),
    "boolean": re.compile(_TRUTH),
}
"""The whole text must match."""

WHAT: dict[Cast, str] = {
    "int": "whole number",
    "bigint": "whole number",
    "double": "number",
    "decimal": "number",
    "date": "date",
    "timestamp": "time such as 2013-02-01T06:30:00Z",
    "boolean": "true or false",
}
"""What a text should have been, for errors."""
