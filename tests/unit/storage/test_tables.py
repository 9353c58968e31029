from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.storage import maintenance
from lakehouse.storage.catalog import Catalog
from lakehouse.storage.tables import TableRef, VersionGone


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.of(tmp_path)


def written(table: TableRef, number: int, note: str = "") -> int:
    rows = pa.table({"n": [number]})
    return EmbeddedEngine().write(table, rows, "append", Transaction("t", number), {"note": note})


def test_a_table_that_is_not_there_says_so(catalog: Catalog) -> None:
    table = catalog.table("raw", "shop", "orders")
    assert table.id == str(table) == "raw/shop/orders"
    assert not table.exists()
    assert (table.version(), table.data_version(), table.applied("t")) == (None, None, -1)
    assert (table.written(), table.readable(0), catalog.tables()) == ({}, False, [])
    with pytest.raises(VersionGone, match="raw/shop/orders has no version 0"):
        table.files(0)


def test_tables_are_listed_by_domain(catalog: Catalog) -> None:
    names = [("raw", "shop", "b"), ("cleaned", "shop", "a"), ("cleaned", "bank", "a")]
    for name in names:
        written(catalog.table(*name), 1)
    assert [t.id for t in catalog.tables()] == ["cleaned/bank/a", "cleaned/shop/a", "raw/shop/b"]
    assert [t.id for t in catalog.tables("shop")] == ["cleaned/shop/a", "raw/shop/b"]
    assert catalog.tables("sho") == []


def test_compaction_is_a_version_of_the_same_rows(catalog: Catalog) -> None:
    table = catalog.table("raw", "shop", "orders")
    for number in range(3):
        written(table, number, f"note {number}")
    before = table.files()
    maintenance.compact(table)
    assert (table.version(), table.data_version(), table.data_version(1)) == (3, 2, 1)
    assert table.written()["note"] == "note 2"
    assert (len(before), len(table.files())) == (3, 1)
    assert table.holds(before)


def test_a_version_can_be_read_until_a_file_of_it_is_gone(catalog: Catalog) -> None:
    table = catalog.table("raw", "shop", "orders")
    for number in range(2):
        written(table, number)
    (first,) = table.files(0)
    assert table.readable(0)
    (table.folder / first).unlink()
    assert not table.readable(0)
    assert not table.readable(9)


def test_files_that_no_kept_version_needs_are_removed(catalog: Catalog) -> None:
    table = catalog.table("raw", "shop", "orders")
    for number in range(3):
        written(table, number)
    maintenance.compact(table)
    assert maintenance.unneeded(table, [2]) == []
    sizes = maintenance.unneeded(table, [1])
    assert len(sizes) == 1
    maintenance.remove_unneeded(table, [1])
    assert (table.readable(1), table.readable(2), table.readable(3)) == (True, False, True)
