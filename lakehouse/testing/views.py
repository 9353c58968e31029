"""A view's features of a few events, for the tests of whoever declares it.

No lake, no files and no JVM: events are dictionaries, and the embedded engine computes what every
engine would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal  # noqa: F401, for the example's contract
from typing import Any

import pyarrow as pa

from lakehouse.declare.columns import Column
from lakehouse.declare.contract import ContractSpec
from lakehouse.declare.features import StoredView, View, stored_and_requested
from lakehouse.declare.tables import Table, table_column
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.engines.protocol import BoundView, load
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.historical import compute
from lakehouse.features.typed_rows import Row, never_null, typed_row, typed_value
from lakehouse.language.provenance import KNOWN_AT

_AT = "_asked_at"


def feature_values(
    view: View,
    events: Iterable[Row] | Mapping[str, Iterable[Row]],
    at: datetime | str,
    request: Row | None = None,
    **key: Any,
) -> dict[str, Any]:
    """Return a view's features of one entity at a moment, by name, as Python values.

    `events` are rows of the view's table, with its columns by name; for a view over several tables
    they are given by the table's name. Times are datetimes or ISO text, of UTC where they say no
    zone; amounts may be text. What a row leaves out is null, where the contract allows that, or
    does not matter to the view. `_known_at` says when a row came to be known; without it that is
    the contract's known-at column, or else the event time. The contract's checks are not made.

    `key` names the entity: `card_id="C1"`. A RequestView takes what the caller sends as `request`,
    which may hold the keys too; the request's event time is `at` unless it says otherwise.

    Raises LakehouseError for columns that are unknown, missing, or of another type.

    >>> from lakehouse.declare import *
    >>> class Payment(Contract):
    ...     payment_id: str = key()
    ...     card_id: str
    ...     amount_eur: Decimal = column(scale=2)
    ...     paid_at: datetime = event_time(known=True)
    >>> source = Source("payment_feed", Payment, "payments/*.csv")
    >>> spend = FeatureView(
    ...     "card_spend",
    ...     of=Cleaned("payments", Raw("payments_raw", source)),
    ...     by=Entity("card", key="card_id"),
    ...     payments=Count(over=last("1h", "1d")),
    ...     spend=Sum("amount_eur", over=last("1d")),
    ... )
    >>> payments = [
    ...     {"card_id": "C1", "amount_eur": "19.99", "paid_at": "2024-03-15 09:00"},
    ...     {"card_id": "C1", "amount_eur": "5.00", "paid_at": "2024-03-15 12:00"},
    ... ]
    >>> feature_values(spend, payments, at="2024-03-15 12:00", card_id="C1")
    {'payments_1h': 0, 'payments_1d': 1, 'spend_1d': Decimal('19.99')}
    """
    stored, requested = stored_and_requested((view,))
    moment = typed_value(Column("at", "timestamp"), at, "The moment")
    asked: dict[str, Any] = {}
    if view.request is not None:
        asked = _request(view, view.request, request or {}, moment)
    elif request is not None:
        raise LakehouseError(f"View '{view.name}' takes no request; leave request= out.")
    spine = _spine(view, stored, asked, moment, key)
    tables = _by_table(view, stored, events)
    engine = load("embedded")
    frames = {
        name: engine.from_arrow(_rows(stored, table, rows))
        for name, (table, rows) in tables.items()
    }
    bound = [BoundView(one, frames[one.of.name]) for one in stored]
    answer = engine.to_arrow(compute(engine, engine.from_arrow(spine), _AT, bound, requested))
    return {f.name: answer.column(f.full_name)[0].as_py() for f in view.features}


def _by_table(
    view: View,
    stored: Sequence[StoredView],
    events: Iterable[Row] | Mapping[str, Iterable[Row]],
) -> dict[str, tuple[Table, list[Row]]]:
    """The tables that views are of, each with its events."""
    tables = {one.of.name: one.of for one in stored}
    if isinstance(events, Mapping):
        for name in events:
            if name not in tables:
                raise LakehouseError(unknown("table", name, tables, f"View '{view.name}'"))
        return {name: (table, list(events.get(name, ()))) for name, table in tables.items()}
    given = list(events)
    if given and len(tables) != 1:
        example = ", ".join(f"'{name}': [...]" for name in tables)
        raise LakehouseError(
            f"View '{view.name}' is of {len(tables)} tables; give events={{{example}}}."
        )
    return {name: (table, given) for name, table in tables.items()}


def _rows(stored: Sequence[StoredView], table: Table, rows: Sequence[Row]) -> pa.Table:
    """Events as typed rows of the columns that the views of a table need."""
    needed = dict.fromkeys(c for view in stored if view.of == table for c in view.source_columns)
    columns = [table_column(table, name) for name in needed if name != KNOWN_AT]
    typed: dict[str, list[Any]] = {name: [] for name in [*(c.name for c in columns), KNOWN_AT]}
    for number, row in enumerate(rows):
        where = f"Event {number} of table '{table.name}'"
        values = typed_row(table, row, where)
        if values.get(KNOWN_AT) is None:
            values[KNOWN_AT] = _known(table, values, where)
        for column in columns:
            never_null(column, values, where)
        for name in typed:
            typed[name].append(values.get(name))
    kinds = {c.name: arrow_type(c.kind, c.scale) for c in columns} | {KNOWN_AT: MICROSECONDS}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in typed.items()})


def _known(table: Table, values: Row, where: str) -> Any:
    """When an event is known that does not say so itself."""
    name = table.contract.known_at or table.event_time
    if name is None or values.get(name) is None:
        said = f" by '{name}'" if name is not None else ""
        raise LakehouseError(f"{where} does not say{said} when it is known; give '{KNOWN_AT}'.")
    return values[name]


def _request(view: View, spec: ContractSpec, request: Row, moment: Any) -> dict[str, Any]:
    where = f"The request of view '{view.name}'"
    for name in request:
        if name not in spec.by_name:
            raise LakehouseError(unknown("column", name, spec.by_name, where))
    values = {spec.event_time: moment} if spec.event_time is not None else {}
    return values | {name: typed_value(spec.by_name[name], v, where) for name, v in request.items()}


def _spine(
    view: View,
    stored: Sequence[StoredView],
    request: Mapping[str, Any],
    moment: Any,
    key: Mapping[str, Any],
) -> pa.Table:
    """One row: the entity's keys, what the request holds, and the moment."""
    keys = {k: table_column(one.of, k) for one in stored for k in one.by.keys}
    columns = {c.name: c for c in view.request_columns}
    values = dict(request)
    for name, given in key.items():
        if name not in keys:
            raise LakehouseError(unknown("key", name, keys, f"View '{view.name}'"))
        values[name] = typed_value(keys[name], given, f"The key of view '{view.name}'")
    missing = [name for name in keys if name not in values]
    if missing:
        raise LakehouseError(
            f"View '{view.name}' is by {', '.join(keys)}; give {missing[0]}=... of the entity."
        )
    spine = {
        name: pa.array([values.get(name)], arrow_type(c.kind, c.scale))
        for name, c in (columns | keys).items()
    }
    return pa.table({**spine, _AT: pa.array([moment], MICROSECONDS)})
