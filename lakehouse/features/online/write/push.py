"""New rows of a view's table put into the online store beside what is there.

Rows take their place in time: an older event that comes late overwrites nothing newer, and a row
counts from when it is known. A row is told by its table's key: pushed twice, or pushed and then
materialised, it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lakehouse.declare.features import StoredView
from lakehouse.declare.tables import Table
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features.online.stores.protocol import OnlineStore, Replaced, Stored
from lakehouse.features.online.write import once
from lakehouse.features.online.write.joining import Joining
from lakehouse.features.online.write.new_rows import (
    NewRow,
    Row,
    RowPacker,
    RowPlace,
    RowPlaces,
    RowText,
)
from lakehouse.features.online.write.once import change_once

ATTEMPTS = 5


Prepared = tuple[bytes, RowPlace | None]
"""A row as it is kept until its table has it, and its place in every view of the table."""


class TooOld(LakehouseError):
    """A row happened before what the online store keeps."""


class Pusher:
    """Pushes rows to one view of a store; made once, it costs little for each row.

    Not for several threads at once.
    """

    def __init__(self, store: OnlineStore, view: StoredView) -> None:
        self._store, self._view = store, view
        self._stored: Stored | None = None
        self._prepare = preparer(view.of)

    def push(
        self,
        rows: Sequence[Row],
        transaction: Transaction | None = None,
        prepared: Sequence[Prepared] | None = None,
    ) -> bool:
        """Add rows, all of them or none; False if the transaction was seen before.

        `prepared` is what the table's `preparer` makes of the rows, if it has been called already.

        The view must have been materialised. Rows that are not in the table yet are kept until
        they are, also when the view is materialised anew; those that the table never takes leave
        when no moment needs them any more. Raises NotStorable for a value of another type than is
        declared, TooOld for a row from before what is kept, which then comes with the table.
        """
        if prepared is None:
            prepared = self._prepare(rows)
        for _ in range(ATTEMPTS):
            stored = self._stored or self.look_up()
            if stored is None:
                raise NotFound(
                    f"View '{self._view.name}' is not in the online store; materialise it first."
                )
            try:
                return self._pushed(stored, rows, prepared, transaction)
            except Replaced:
                self._stored = None
        raise LakehouseError(
            f"View '{self._view.name}' was replaced {ATTEMPTS} times while rows were added to it; "
            "add them again."
        )

    def look_up(self) -> Stored | None:
        """What the store holds of the view, to be pushed to from now on; None if it has none."""
        self._stored = self._store.stored(self._view.name)
        if self._stored is not None:
            self._packer = RowPacker(self._view, self._stored.layout)
        return self._stored

    def _pushed(
        self,
        stored: Stored,
        rows: Sequence[Row],
        prepared: Sequence[Prepared],
        transaction: Transaction | None,
    ) -> bool:
        packer = self._packer
        packer.texts.clear()
        by_entity: dict[bytes, list[NewRow]] = {}
        for row, (text, place) in zip(rows, prepared, strict=True):
            new = packer.pack_at(row, place, text)
            if new is None:
                continue
            if new.event_us < stored.horizon.whole("event"):
                raise TooOld(
                    f"View '{self._view.name}': a pushed row happened before what the online "
                    "store keeps; deliver it to its table, and materialise the view."
                )
            by_entity.setdefault(new.entity, []).append(new)
        changes = Joining(self._store, stored, self._view, packer.texts).changes(by_entity)
        return change_once(self._store, stored, changes, packer.texts, transaction)


def preparer(table: Table) -> Callable[[Sequence[Row]], list[Prepared]]:
    """The function that makes of a table's rows what all views of it need alike."""
    write, place = RowText(table).write, RowPlaces(table).of
    return lambda rows: [(write(row), place(row)) for row in rows]


class TablePusher:
    """Pushes rows of one table to every view of it that is materialised, each at once.

    Made once, it costs little for each row. Raises NotFound if no view of the table is there.
    """

    def __init__(self, store: OnlineStore, table: Table, views: Iterable[StoredView]) -> None:
        pushers = {v.name: Pusher(store, v) for v in views if v.of == table}
        there = {name: one for name, one in pushers.items() if one.look_up() is not None}
        if not there:
            raise NotFound(
                f"No view of table '{table.name}' is in the online store; 'lakehouse features "
                "materialise DOMAIN', or 'feast materialize-incremental', puts them there."
            )
        self.views = tuple(there)
        self._table = table
        self._pushers = list(there.values())
        self._prepare = preparer(table)

    def push(self, rows: Sequence[Row]) -> None:
        """Add rows to the views, one after the other; see `Pusher`.

        Each counts once: by its table's key, or without one by all that it says.
        """
        if self._table.keys:
            self._push(rows, None)
            return
        for row in rows:
            self._push([row], once.of_row(self._table, row))

    def _push(self, rows: Sequence[Row], transaction: Transaction | None) -> None:
        prepared = self._prepare(rows)
        for pusher in self._pushers:
            pusher.push(rows, transaction, prepared)


def push(
    store: OnlineStore,
    view: StoredView,
    rows: Sequence[Row],
    transaction: Transaction | None = None,
) -> bool:
    """Push rows to one view once; see `Pusher`."""
    return Pusher(store, view).push(rows, transaction)
