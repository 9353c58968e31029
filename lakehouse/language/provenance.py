"""Columns that the platform adds to rows, beside those that are delivered or declared."""

from __future__ import annotations

KNOWN_AT = "_known_at"
"""When a row came to be known."""
