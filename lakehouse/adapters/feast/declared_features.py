"""Features of declared views for entity rows, through the platform's own point-in-time join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.entity_rows import EntityRows
from lakehouse.declare.features import View
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.historical import historical
from lakehouse.features.spine import typed
from lakehouse.sdk import composition

_ROW = "_row"
_AT = "_at"


@dataclass(frozen=True)
class Wanted:
    """A declared view asked for: the name it goes by in the answer, its domain, its features.

    `renamed` gives the entity rows' column for a key that stands there under another name.
    """

    name: str
    domain: str
    view: View
    features: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()


def answers(
    rows: EntityRows, wanted: Sequence[Wanted], engine: str
) -> dict[tuple[str, str], pa.ChunkedArray]:
    """The values of each feature by (view, feature), for the rows in their order."""
    found: dict[tuple[str, str], pa.ChunkedArray] = {}
    for domain, renamed in dict.fromkeys((w.domain, w.renamed) for w in wanted):
        sharing = [w for w in wanted if (w.domain, w.renamed) == (domain, renamed)]
        views = list({w.view.name: w.view for w in sharing}.values())
        frame = _answered(rows, domain, views, dict(renamed), engine)
        for one in sharing:
            for feature in one.features:
                column = frame.column(f"{one.view.name}__{feature}")
                found[one.name, feature] = column
    return found


def _answered(
    rows: EntityRows,
    domain: str,
    views: Sequence[View],
    renamed: Mapping[str, str],
    engine: str,
) -> pa.Table:
    home = composition.open_home()
    ctx = composition.open_context(home, declarations.installed()[domain], engine)
    columns = {c.name: renamed.get(c.name, c.name) for view in views for c in view.spine_columns}
    for given in columns.values():
        if given not in rows.table.column_names:
            raise LakehouseError(
                unknown("column", given, rows.table.column_names, "The entity rows")
            )
    spine = pa.table(
        {
            **{name: rows.table.column(given) for name, given in columns.items()},
            _AT: rows.table.column(rows.at),
            _ROW: pa.array(range(rows.table.num_rows), pa.int64()),
        }
    )
    timed = pc.is_valid(spine.column(_AT))
    asked = typed(spine.filter(timed), _AT, views)
    frame: pa.Table = ctx.engine.to_arrow(historical(ctx, ctx.engine.from_arrow(asked), _AT, views))
    if frame.num_rows != asked.num_rows:
        raise LakehouseError(
            f"{asked.num_rows} entity rows gave {frame.num_rows} answers; this is a fault of "
            f"engine '{engine}', report it."
        )
    # A row without a moment has no values; a null place takes none.
    places = np.where(timed, np.cumsum(timed) - 1, -1)
    return frame.sort_by(_ROW).take(pa.array(places, mask=places < 0))
