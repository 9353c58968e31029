"""Which entities a small spine asks for, so that no rows of others are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.engines.protocol import Engine, Frame
from lakehouse.language.kinds import Kind
from lakehouse.language.sql import literals

MOST_MOMENTS = 10_000
"""Spines with more moments are taken to ask for too many entities to name them."""
MOST_KEYS = 500

SpineKeys = Mapping[str, Sequence[Any]]
"""The values that a spine has of key columns, nulls left out."""


def keys_of_spine(
    engine: Engine, spine: Frame, moments: int, views: Sequence[StoredView]
) -> SpineKeys:
    """Return the values of the views' keys in a spine of so many moments, if they are few."""
    if moments > MOST_MOMENTS:
        return {}
    found: dict[str, list[Any]] = {}
    for key in dict.fromkeys(key for view in views for key in view.by.keys):
        name = literals.name(key)
        distinct = engine.query(
            f"SELECT DISTINCT {name} FROM spine WHERE {name} IS NOT NULL", {"spine": spine}
        )
        values = engine.to_arrow(distinct).column(0).to_pylist()
        if len(values) <= MOST_KEYS:
            found[key] = values
    return found


def entities_needed(views: Sequence[StoredView], keys: SpineKeys) -> str | None:
    """Return the condition on one table's keys that views need, None where any may be needed.

    Every view has its entity's keys among the values asked for, each column by itself; views of
    other entities add theirs.
    """
    conditions = []
    for view in views:
        kinds = {c.name: c.kind for c in view.of.columns}
        among = [_among(key, kinds[key], keys.get(key)) for key in view.by.keys]
        known = [condition for condition in among if condition is not None]
        if not known:
            return None
        conditions.append(f"({' AND '.join(known)})")
    return " OR ".join(dict.fromkeys(conditions))


def _among(key: str, kind: Kind, values: Sequence[Any] | None) -> str | None:
    if values is None:
        return None
    written = [_literal(kind, value) for value in values]
    if not written:
        return "false"
    known = [literal for literal in written if literal is not None]
    if len(known) < len(written):
        return None
    return f"{literals.name(key)} IN ({', '.join(known)})"


def _literal(kind: Kind, value: Any) -> str | None:
    """A value as a literal of its column's type; None for types that are not named so."""
    if kind == "string" and isinstance(value, str):
        return literals.text(value)
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return f"CAST({value} AS BIGINT)" if value < 0 else str(value)
    if kind == "date" and type(value) is date:
        return f"DATE '{value.isoformat()}'"
    return None
