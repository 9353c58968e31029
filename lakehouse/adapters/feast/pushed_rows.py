"""Rows pushed to a declared table's offline side: they land as a delivery of the table's source.

So they go the way of every delivery, raw, checked and cleaned by the next run, and none is lost.
The same rows pushed again are the same delivery.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from feast.infra.offline_stores.file_source import FileSource

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.values import parsed
from lakehouse.declare.columns import Column
from lakehouse.declare.domain import Domain
from lakehouse.declare.file_names import NoPlace, place_of
from lakehouse.declare.tables import Cleaned, Source, Table
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.errors import LakehouseError
from lakehouse.sdk import composition


def declared_table(source: FileSource) -> Table | None:
    """The declared table that a source is of; None for one of the user's own."""
    if declarations.TABLE not in source.tags:
        return None
    domain = declarations.domain_of(source)
    return {table.name: table for table in domain.tables}.get(source.tags[declarations.TABLE])


def columns_pushed(table: Table) -> list[tuple[str, str]]:
    """The columns of a table's rows as they are pushed, and their types."""
    return [(c.name, str(arrow_type(c.kind, c.scale))) for c in table.columns]


def land(domain: Domain, table: Table, rows: pa.Table) -> None:
    """Write rows as one file where the table's source looks for deliveries."""
    if not isinstance(table, Cleaned):
        raise LakehouseError(
            f"Table '{table.name}' is made by SQL from {', '.join(t.name for t in table.inputs)}; "
            "push to those, or online only."
        )
    source = table.raw.source
    try:
        place = place_of(source, (".jsonl", ".csv"))
    except NoPlace as error:
        raise LakehouseError(f"{error} Or push online only.") from None
    folder = composition.open_home().landing(domain.name)
    text = [_texts(table.columns, row) for row in rows.to_pylist()]
    body = _body(source, text, place.template.endswith(".csv"))
    target = folder / place.folder / place.named(f"pushed-{hashlib.sha256(body).hexdigest()[:20]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = folder / f".pushed.{os.getpid()}.partial"
    partial.write_bytes(body)
    partial.replace(target)


def _texts(columns: tuple[Column, ...], row: dict[str, Any]) -> dict[str, str | None]:
    where = "Pushed rows, column"
    values = {c.name: parsed(c.kind, c.scale, row[c.name], f"{where} '{c.name}'") for c in columns}
    return {name: None if value is None else _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(source: Source, rows: list[dict[str, str | None]], as_csv: bool) -> bytes:
    names = [c.name for c in source.contract.columns]
    if as_csv:
        out = io.StringIO()
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
