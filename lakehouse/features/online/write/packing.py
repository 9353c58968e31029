"""A view's table as the chunks that the online store keeps: sorted, cut, and packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, singledispatch

import pyarrow as pa

from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.declare.view import unknown_kind
from lakehouse.features.online.layout.kinds import of_kind
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout, Layout, WindowLayout
from lakehouse.features.online.stores.protocol import ALL, Chunk, Horizon
from lakehouse.features.online.write.packing_latest import pack_latest
from lakehouse.features.online.write.packing_windows import pack_windows

Pack = Callable[[pa.Table, dict[int, bytes], Horizon, int], Iterator[Chunk]]


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
    return _packing(view, layout)(table, texts, horizon, kept_from_us)


@singledispatch
def _packing(view: StoredView, layout: Layout) -> Pack:  # noqa: ARG001
    """How a view's table is packed; raises StoredDifferently for a layout of another kind."""
    raise unknown_kind(view, "_packing")


@_packing.register
def _(view: FeatureView, layout: Layout) -> Pack:
    return partial(pack_windows, view, of_kind(WindowLayout, view, layout))


@_packing.register
def _(view: LatestView, layout: Layout) -> Pack:
    own = of_kind(LatestLayout, view, layout)
    return lambda table, _texts, _horizon, kept_from_us: pack_latest(view, own, table, kept_from_us)
