"""Put a supplier's files into a landing folder: each whole or not at all, and each only once.

A supplier delivers in portions (a day, a month). What has been delivered is noted, with the
SHA-256 of each file, in a receipt beside the folders of the sources, written last: a portion
whose files are still as noted is not produced again, and a call that was killed half-way is
simply made again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from lakehouse.errors import LakehouseError

Terms = Mapping[str, str | int | float]
# By portion, then by path below the landing folder: {"sha256": …, "rows": …}.
_Noted = dict[str, dict[str, dict[str, str | int]]]


@dataclass(frozen=True)
class LandingFile:
    """One file to deliver: its portion, its path below the landing folder, what is in it."""

    portion: str
    path: str
    body: bytes
    rows: int


@dataclass(frozen=True)
class Delivered:
    """What the portions asked for hold once they are delivered."""

    rows: Mapping[str, int]  # by folder
    written: int  # files that were not there, or there with other content
    unchanged: int  # files left alone


def csv_file(portion: str, path: str, table: pa.Table | pa.RecordBatch) -> LandingFile:
    """Make a CSV file of a table: a header, nulls as empty fields, no quotes.

    Arrow raises `ArrowInvalid` for a value that would need quotes.
    """
    sink = pa.BufferOutputStream()
    unquoted = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    pa_csv.write_csv(table, sink, unquoted)
    return LandingFile(portion, path, sink.getvalue().to_pybytes(), table.num_rows)


def deliver_portions(
    landing: Path,
    supplier: str,
    terms: Terms,
    portions: Sequence[str],
    produce: Callable[[Sequence[str]], Iterable[LandingFile]],
) -> Delivered:
    """Deliver the portions that are missing or changed; `produce` is called for those alone.

    `terms` say what a supplier delivers. Raises `LakehouseError` if the folder already holds
    deliveries of the same supplier on other terms, since the two would be mixed.
    """
    receipt = landing / f".{supplier}.delivered.json"
    # Beside the folders of the sources, where no source looks however it names its files.
    partial = landing / f".{supplier}.{os.getpid()}.partial"
    noted = _read_receipt(receipt, terms)
    missing = [portion for portion in portions if not _is_intact(landing, noted.get(portion))]
    written = 0
    if missing:
        noted.update({portion: {} for portion in missing})
        for file in produce(missing):
            written += _put(landing / file.path, file.body, partial)
            digest = hashlib.sha256(file.body).hexdigest()
            noted[file.portion][file.path] = {"sha256": digest, "rows": file.rows}
        text = json.dumps({"terms": dict(terms), "portions": noted}, indent=1)
        _put(receipt, text.encode(), partial)
    rows: dict[str, int] = {}
    files = [item for portion in portions for item in noted[portion].items()]
    for path, note in files:
        folder = path.partition("/")[0]
        rows[folder] = rows.get(folder, 0) + int(note["rows"])
    return Delivered(rows=rows, written=written, unchanged=len(files) - written)


def _read_receipt(receipt: Path, terms: Terms) -> _Noted:
    if not receipt.exists():
        return {}
    found = json.loads(receipt.read_bytes())
    before: Terms = found["terms"]
    if before != terms:
        changed = [
            f"{name} = {before.get(name, 'not set')} (now {terms.get(name, 'not set')})"
            for name in sorted(before.keys() | terms.keys())
            if before.get(name) != terms.get(name)
        ]
        raise LakehouseError(
            f"{receipt.parent} already holds deliveries on other terms: "
            f"{', '.join(changed[:5])}. Deliver into an empty folder, or remove this one first."
        )
    noted: _Noted = found["portions"]
    return noted


def _is_intact(landing: Path, files: Mapping[str, Mapping[str, str | int]] | None) -> bool:
    if files is None:
        return False
    for path, note in files.items():
        file = landing / path
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != note["sha256"]:
            return False
    return True


def _put(path: Path, body: bytes, partial: Path) -> bool:
    """Write a file to `partial` and rename it; False if it was there with the same content."""
    if path.exists() and path.read_bytes() == body:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(body)
    partial.replace(path)
    return True
