"""Delivered files read as text rows by the embedded engine."""

from __future__ import annotations

import gc
import gzip
import os
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Landed, LandedFile

COLUMNS = ("payment_id", "amount", "note", "paid_at")
HEADER = ",".join(COLUMNS) + "\n"


@dataclass
class Files:
    """Files to land, each delivery called by its name, and their rows in order."""

    engine: EmbeddedEngine
    folder: Path
    names: list[str] = field(default_factory=list)

    def deliver(self, name: str, content: str | bytes) -> None:
        written = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(written)
        self.names.append(name)

    def land(self) -> Landed:
        files = [LandedFile(self.folder / name, name) for name in self.names]
        return self.engine.land(files, COLUMNS)

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        table = self.engine.to_arrow(self.land().rows_frame).to_pylist()
        table.sort(key=lambda row: (row["_delivery"], row["_row"]))
        return [tuple(row[c] for c in columns) for row in table]


@pytest.fixture
def files(engine: EmbeddedEngine, tmp_path: Path) -> Files:
    return Files(engine, tmp_path)


def test_broken_lines_keep_their_text_and_their_number(files: Files) -> None:
    lines = "1,1,,x\nonly two,fields\n\n3,3,c,x\n4,4,d,x,too many\n5,5,e,x\n"
    files.deliver("a.csv", HEADER + lines)
    assert files.rows("_row", "payment_id", "_unparsed") == [
        (1, "1", None),
        (2, None, "only two,fields"),
        (3, "3", None),
        (4, None, "4,4,d,x,too many"),
        (5, "5", None),
    ]


def test_a_quoted_field_may_hold_commas_quotes_and_lines(files: Files) -> None:
    files.deliver("a.csv", HEADER + '1,1,"a, ""b""\r\nc",x\r\n2,2,plain,x\r\n')
    assert files.rows("_row", "note", "_unparsed") == [
        (1, 'a, "b"\r\nc', None),
        (2, "plain", None),
    ]


@pytest.mark.parametrize(
    "broken",
    ['2,2,"never closed,x', '2,2,"closed"too late,x', '2,"one,two,x'],
    ids=["open to the end", "text after the quote", "open to the next quote"],
)
def test_a_wrong_quote_costs_its_own_line_only(files: Files, broken: str) -> None:
    rest = "".join(f'{n},{n},"n{n}",x\n' for n in range(3, 9))
    files.deliver("a.csv", HEADER + "1,1,,x\n" + broken + "\n" + rest + "9,9,last,x")
    assert files.rows("_row", "payment_id", "_unparsed") == [
        (1, "1", None),
        (2, None, broken),
        *((n, str(n), None) for n in range(3, 10)),
    ]


def test_an_open_quote_without_another_one_costs_its_own_line_only(files: Files) -> None:
    files.deliver("a.csv", HEADER + '1,1,"open,x\n2,2,b,x\n3,3,c,x\n')
    assert files.rows("_row", "payment_id", "_unparsed") == [
        (1, None, '1,1,"open,x'),
        (2, "2", None),
        (3, "3", None),
    ]


def test_both_ways_of_reading_csv_agree(files: Files) -> None:
    """A file without a quote is read by another code than one with quotes."""
    body = ["1,1,,x", "two,fields", "", "3,3,tea ☕,x", " ", "5,5,\x00,x", "6,6,,,", "7,7,'7',x"]
    plain = HEADER + "\n".join(body) + "\n"
    files.deliver("a.csv", plain)
    files.deliver("b.csv", plain.replace("payment_id", '"payment_id"'))
    files.deliver("c.csv", plain.replace("\n", "\r\n").removesuffix("\r\n"))
    columns = ("_row", "payment_id", "amount", "note", "paid_at", "_unparsed")
    rows = files.rows("_delivery", *columns)
    read = [[row[1:] for row in rows if row[0] == name] for name in files.names]
    assert read[0] == [
        (1, "1", "1", None, "x", None),
        (2, None, None, None, None, "two,fields"),
        (3, "3", "3", "tea ☕", "x", None),
        (4, None, None, None, None, " "),
        (5, "5", "5", "\x00", "x", None),
        (6, None, None, None, None, "6,6,,,"),
        (7, "7", "7", "'7'", "x", None),
    ]
    assert read[1] == read[0]
    assert read[2] == read[0]


def test_rows_keep_their_numbers_over_many_blocks(files: Files) -> None:
    long = "x" * 200
    lines = [f"{n},{n},{long},x" if n % 1000 else f"broken {n}" for n in range(1, 30_001)]
    files.deliver("a.csv", HEADER + "\n".join(lines))
    rows = files.rows("_row", "payment_id", "_unparsed")
    assert rows == [
        (n, str(n), None) if n % 1000 else (n, None, f"broken {n}") for n in range(1, 30_001)
    ]


def test_json_lines_keep_the_digits_of_numbers(files: Files) -> None:
    lines = [
        '{"payment_id": "a\\u00e9", "amount": 1.500, "paid_at": "x"}',
        '{"payment_id": 12345678901234567890, "amount": 1E2, "note": null, "paid_at": true}',
        "",
        "[1, 2]",
        '{"payment_id": "c", "amount": NaN}',
        '{"payment_id": {"n": [1, 2.0]}, "note": "", "paid_at": "y"}',
        "{",
    ]
    files.deliver("a.jsonl", "\n".join(lines))
    assert files.rows("_row", "payment_id", "amount", "note", "paid_at", "_unparsed") == [
        (1, "aé", "1.500", None, "x", None),
        (2, "12345678901234567890", "1E2", None, "true", None),
        (3, None, None, None, None, "[1, 2]"),
        (4, None, None, None, None, '{"payment_id": "c", "amount": NaN}'),
        (5, '{"n": [1, 2.0]}', None, "", "y", None),
        (6, None, None, None, None, "{"),
    ]


def test_parquet_values_become_text_in_one_form(files: Files) -> None:
    berlin = pa.timestamp("ns", "Europe/Berlin")
    table = pa.table(
        {
            "payment_id": pa.array([1, None, 3], pa.int64()),
            "amount": pa.array([Decimal("1.50"), Decimal("-0.05"), None], pa.decimal128(9, 2)),
            "note": pa.array([True, False, None]),
            "paid_at": pa.array([1_500_000_000, 0, None], berlin),
            "local": pa.array([0, 86_400_000_000, None], pa.timestamp("us")),
            "share": pa.array([5.0, 0.1, 1e20]),
            "day": pa.array([0, 15_000, None], pa.date32()),
            "tags": [["a", 'b"'], [], None],
            "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    files.deliver("a.parquet", sink.getvalue().to_pybytes())
    read = zip(*files.rows(*table.column_names), strict=True)
    assert dict(zip(table.column_names, read, strict=True)) == {
        "payment_id": ("1", None, "3"),
        "amount": ("1.50", "-0.05", None),
        "note": ("true", "false", None),
        "paid_at": ("1970-01-01T00:00:01.5Z", "1970-01-01T00:00:00Z", None),
        "local": ("1970-01-01T00:00:00", "1970-01-02T00:00:00", None),
        "share": ("5", "0.1", "1e+20"),
        "day": ("1970-01-01", "2011-01-26", None),
        "tags": ('["a", "b\\""]', "[]", None),
        "kind": ("x", "y", "x"),
    }


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "CSV.GZ"])
def test_packed_files_are_read_like_plain_ones(files: Files, ending: str) -> None:
    content = (HEADER + "1,1,ü,x\n").encode()
    if ending.endswith("zst"):
        content = pa.compress(content, codec="zstd", asbytes=True)
    elif ending != "csv":
        content = gzip.compress(content)
    files.deliver(f"a.{ending}", content)
    assert files.rows("_row", "note") == [(1, "ü")]


def test_a_byte_order_mark_is_dropped(files: Files) -> None:
    files.deliver("a.csv", b"\xef\xbb\xbf" + (HEADER + "1,1,,x\n").encode())
    files.deliver("b.csv", b'\xef\xbb\xbf"payment_id",amount,note,paid_at\n2,2,,x\n')
    files.deliver("c.jsonl", b'\xef\xbb\xbf{"payment_id": 3, "amount": 3, "paid_at": "x"}\n')
    assert files.rows("payment_id", "_unparsed") == [("1", None), ("2", None), ("3", None)]


def _truncated_parquet(rows: int, keep: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"payment_id": [str(n) for n in range(rows)]}), sink)
    return bytes(sink.getvalue().to_pybytes()[:keep])


UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "truncated Parquet": ("b.parquet", _truncated_parquet(1000, 500), "cannot be read"),
    "not Parquet": ("b.parquet", b"payment_id\n1\n", "cannot be read"),
    "truncated gzip": (
        "b.csv.gz",
        gzip.compress(HEADER.encode() + os.urandom(9000))[:5000],
        "ended before the end-of-stream marker",
    ),
    "not gzip": ("b.csv.gz", b"payment_id\n", "Not a gzipped file"),
    "truncated zstd": (
        "b.csv.zst",
        pa.compress(os.urandom(9000), codec="zstd", asbytes=True)[:5000],
        "Truncated compressed stream",
    ),
    "Latin-1": ("b.csv", (HEADER + "1,1,ok,x\n2,2,caf\xe9,x\n").encode("latin-1"), "line 3 is not"),
    "UTF-16": ("b.csv", HEADER.encode("utf-16"), "line 1 is not UTF-8"),
    "duplicate header": (
        "b.csv",
        b"payment_id,amount,Note,note,paid_at\n",
        "column 'note' stands twice in the header, at 3 and 4",
    ),
    "the platform's name": (
        "b.csv",
        b"payment_id,amount,_row,paid_at\n",
        "column '_row' in the header has a name of the platform's own",
    ),
    "an unknown ending": ("b.xlsx", b"PK", "its ending is none of .csv, .jsonl, .parquet"),
}


@pytest.mark.parametrize(("name", "content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_file_is_named_and_hinders_no_other(
    files: Files, name: str, content: bytes, reason: str
) -> None:
    files.deliver("a.csv", HEADER + "1,1,,x\n")
    files.deliver(name, content)
    files.deliver("c.csv", HEADER + "3,3,,x\n")
    landed = files.land()
    assert [u.delivery for u in landed.unreadable] == [name]
    assert reason in landed.unreadable[0].reason
    assert landed.rows == {"a.csv": 1, "c.csv": 1}
    assert files.rows("payment_id") == [("1",), ("3",)]


def test_a_file_that_breaks_halfway_leaves_no_row(files: Files) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"payment_id": [str(n * 7919) for n in range(200_000)]})
    pq.write_table(table, sink, row_group_size=100_000, compression="zstd", use_dictionary=False)
    content = bytearray(sink.getvalue().to_pybytes())
    second = pq.ParquetFile(pa.BufferReader(bytes(content))).metadata.row_group(1).column(0)
    at = second.data_page_offset + 1000
    content[at : at + 5000] = os.urandom(5000)
    files.deliver("b.parquet", bytes(content))
    files.deliver("a.csv", HEADER + "1,1,,x\n")
    landed = files.land()
    assert "the file cannot be read after row" in landed.unreadable[0].reason
    assert files.rows("payment_id") == [("1",)]


def test_rows_and_columns_are_told_for_each_delivery(files: Files) -> None:
    files.deliver("a.csv", "extra,Payment_ID\nx,1\nbroken\n")
    files.deliver("b.jsonl", '{"payment_id": 2, "Further": true}\n{"paid_at": "x"}\n')
    files.deliver("c.csv", "")
    landed = files.land()
    assert landed.rows == {"a.csv": 2, "b.jsonl": 2, "c.csv": 0}
    assert landed.found == {
        "a.csv": ("extra", "payment_id"),
        "b.jsonl": ("payment_id", "further", "paid_at"),
        "c.csv": (),
    }
    found = ["extra", "further", "_unparsed", "_delivery", "_row"]
    assert files.engine.columns(landed.rows_frame) == [*COLUMNS, *found]


def test_headers_are_named_as_the_lake_can(files: Files) -> None:
    files.deliver("a.csv", '"PAYMENT_ID ","Amount (EUR)",,"a\nb"\n1,2,3,4\n')
    files.deliver("b.csv", "\n\npayment_id\n5\n")
    assert files.rows("payment_id", "amount__eur_", "column_3", "a_b", "_row") == [
        ("1", "2", "3", "4", 1),
        ("5", None, None, None, 1),
    ]


def test_a_line_too_long_to_be_one_is_named(files: Files) -> None:
    files.deliver("a.csv", HEADER + "1,1," + "x" * 9_000_000 + ",x\n")
    assert "a line is longer than" in files.land().unreadable[0].reason


def test_no_files_give_a_frame_of_no_rows(files: Files) -> None:
    assert files.rows("_row") == []
    assert files.land().rows == {}


def test_spilled_rows_go_with_their_frame(files: Files) -> None:
    files.deliver("a.csv", HEADER + "1,1,,x\n")
    spilled = files.engine._session.folder
    landed = files.land()
    held = list(spilled.glob("_landing_*/*.parquet"))
    derived = files.engine.query("SELECT note FROM t", {"t": landed.rows_frame})
    del landed
    gc.collect()
    assert files.engine.to_arrow(derived).num_rows == 1
    del derived
    gc.collect()
    assert held != []
    assert list(spilled.glob("_landing_*/*.parquet")) == []
