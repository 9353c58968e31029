"""A view's table as the chunks that the online store keeps: sorted, cut, and packed."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout, Layout, WindowLayout
from lakehouse.features.online.stores.protocol import ALL, Chunk, Horizon
from lakehouse.features.online.write.packing_latest import pack_latest
from lakehouse.features.online.write.packing_windows import pack_windows


def pack(
    view: StoredView,
    layout: Layout,
    table: pa.Table,
    texts: dict[int, bytes],
    horizon: Horizon = ALL,
    kept_from_us: int = BEGINNING,
) -> Iterator[Chunk]:
    """Yield a table's rows as chunks, by entity and time, and add to `texts` what they need.

    `table` holds the entity's keys, the table's key, the event time, `_known_at`, the columns
    that the view uses, and what is computed of each row, named as `computed_for` says. Left out
    are rows without a key of the entity, an event time or a known time, which count at no moment,
    and those that no moment from `kept_from_us` on needs.
    """
    if isinstance(view, LatestView) and isinstance(layout, LatestLayout):
        return pack_latest(view, layout, table, kept_from_us)
    if isinstance(view, FeatureView) and isinstance(layout, WindowLayout):
        return pack_windows(view, layout, table, texts, horizon, kept_from_us)
    raise TypeError(f"View '{view.name}' is a {type(view).__name__}, its layout is not for one.")
