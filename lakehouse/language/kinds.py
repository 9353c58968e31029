"""The kinds of values that columns, features and expressions have."""

from __future__ import annotations

from typing import Literal

Kind = Literal["string", "int", "float", "decimal", "bool", "timestamp", "date"]
NUMBERS: tuple[Kind, ...] = ("int", "decimal", "float")
"""Kinds of numbers, each one wider than the one before it."""
MAX_DECIMAL_PRECISION = 18
"""Decimals are held as scaled 64-bit integers, so that sums are exact on every engine."""
