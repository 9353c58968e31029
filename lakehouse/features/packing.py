"""A view's table as the chunks that the online store keeps: sorted, cut, and packed."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.features.online import Chunk
from lakehouse.features.online_layout import LatestLayout, Layout, WindowLayout
from lakehouse.features.packing_latest import pack_latest
from lakehouse.features.packing_windows import pack_windows


def pack(view: StoredView, layout: Layout, table: pa.Table) -> Iterator[Chunk]:
    """Yield a table's rows as chunks, by entity and bucket.

    `table` holds the entity's keys, the event time, `_known_at`, the columns that the view uses,
    and for each `where` a column of booleans, named as `online_layout.criteria` says. Rows
    without a key, an event time or a known time are left out: they count at no moment.
    """
    if isinstance(view, LatestView) and isinstance(layout, LatestLayout):
        return pack_latest(view, layout, table)
    if isinstance(view, FeatureView) and isinstance(layout, WindowLayout):
        return pack_windows(view, layout, table)
    raise TypeError(f"View '{view.name}' is a {type(view).__name__}, its layout is not for one.")
