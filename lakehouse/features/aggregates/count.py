"""Count: how many rows, or values that are not null."""

from __future__ import annotations

from lakehouse.features.aggregates.form import Form
from lakehouse.features.aggregates.sum import added_together, total

FORM = Form(online=total, explained=lambda rows: len(rows.values), together=added_together)
