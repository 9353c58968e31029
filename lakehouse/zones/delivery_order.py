"""The order in which a source's deliveries count, as the lake's records tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.language.provenance import DELIVERY
from lakehouse.records.deliveries import Delivery, DeliveryRecords

UNDECLARED = datetime.min.replace(tzinfo=UTC)
"""Where a delivery that declares no time stands: before those that do."""


@dataclass(frozen=True)
class DeliveryOrder:
    """The deliveries of a source in order, with the batch each came in.

    Files that only arrive one after the other stand in order of arrival: by batch, then by their
    place in the batch. Snapshots stand in order of the state they describe: by declared time
    first, so that yesterday's snapshot stays yesterday's when it arrives after today's.
    """

    deliveries: tuple[str, ...]
    batches: dict[str, int]

    def late(self, processed: int) -> list[str]:
        """Deliveries after batch `processed` that stand before one taken in up to it."""
        known = [i for i, d in enumerate(self.deliveries) if self.batches[d] <= processed]
        newest = max(known, default=-1)
        return [d for d in self.deliveries[: max(newest, 0)] if self.batches[d] > processed]

    def table(self, counted: Iterable[str] = ()) -> pa.Table:
        """The order as rows: `_delivery`, `_place` from 0, and `_state`.

        `_state` numbers the `counted` deliveries from 1; it is null for all others.
        """
        wanted = set(counted)
        states = {d: n for n, d in enumerate((d for d in self.deliveries if d in wanted), 1)}
        return pa.table(
            {
                DELIVERY: pa.array(self.deliveries, pa.string()),
                "_place": pa.array(range(len(self.deliveries)), pa.int64()),
                "_state": pa.array([states.get(d) for d in self.deliveries], pa.int64()),
            }
        )


def delivery_order(ctx: Context, table: Cleaned) -> DeliveryOrder:
    """Read the order of the deliveries that a cleaned table's source has brought."""
    source = table.raw.source
    records = DeliveryRecords(ctx.records, ctx.domain.name, source)
    taken_in = [(d, d.batch) for d in records.all() if d.batch is not None]
    by_state = source.mode == "snapshot"

    def place(taken: tuple[Delivery, int]) -> tuple[datetime, int, int, str]:
        delivery, batch = taken
        state = delivery.delivered_at if by_state else None
        return state or UNDECLARED, batch, delivery.position or 0, delivery.delivery

    taken_in.sort(key=place)
    return DeliveryOrder(
        tuple(d.delivery for d, _ in taken_in), {d.delivery: batch for d, batch in taken_in}
    )
