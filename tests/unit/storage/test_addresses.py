from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError
from lakehouse.records.home import Home
from lakehouse.storage import maintenance
from lakehouse.storage.addresses import address_of, below, folder_at
from lakehouse.storage.catalog import Catalog
from lakehouse.storage.tables import TableRef

PLAIN = [f"x{chr(n)}y" for n in range(32, 127) if chr(n) not in "/[\\]^|"]
"""Every printable ASCII character in a name, but those that are refused."""
ODD = [*PLAIN, "größe", "日本", "x\u2028y", "50%", "a%2", "a%zz", "a b", " ", "C:", "file:", "..x"]
REFUSED = [
    "a%20b",
    "a%2520b",
    "%41",
    "[x]",
    "x]",
    "back\\slash",
    "^",
    "a|b",
    "a\nb",
    "\x7f",
    "\x01",
]


@pytest.mark.parametrize("name", [*ODD, "100% [x]"])
def test_a_name_below_an_address_stands_for_itself(name: str) -> None:
    assert folder_at(below("file:///data", name, "t")) == Path("/data", name, "t")


@pytest.mark.parametrize("name", ODD)
def test_an_address_names_the_folder_it_was_made_of(name: str) -> None:
    assert folder_at(address_of(Path("/data", name))) == Path("/data", name)


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_would_be_taken_for_another_is_refused_when_the_lake_is_made(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(LakehouseError, match="takes for something else; move it"):
        Home.create(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_lake_moved_to_such_a_folder_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    Home.create(tmp_path / "a b")
    (tmp_path / "a b").rename(tmp_path / "a%20b")
    with pytest.raises(LakehouseError, match="'%20' in its path"):
        Home.open(tmp_path / "a%20b")


def test_an_address_elsewhere_is_no_folder(tmp_path: Path) -> None:
    for address in ("s3://bucket/lake", "file://host/lake", str(tmp_path)):
        with pytest.raises(LakehouseError, match="no folder of this machine"):
            folder_at(address)


def test_lakes_in_folders_of_odd_names_hold_what_was_written_to_each(tmp_path: Path) -> None:
    """Append, merge, read, compaction and vacuum, each in its own folder and in no other."""
    engine, lakes = EmbeddedEngine(), [tmp_path / name for name in dict.fromkeys(ODD)]
    for lake in lakes:
        table = Catalog.of(Home.create(lake).path).table("cleaned", "shop", "orders")
        for number in range(2):
            rows = pa.table({"k": [number, 7], "lake": [lake.name] * 2})
            mode = "merge" if number else "append"
            engine.write(table, rows, mode, Transaction("t", number), keys=["k"])
        maintenance.compact(table)
        maintenance.remove_unneeded(table, [])
    for lake in lakes:
        (table,) = Catalog.of(lake).tables("shop")
        read = engine.to_arrow(engine.read(table, where="k >= 0")).sort_by("k")
        assert read.to_pylist() == [{"k": k, "lake": lake.name} for k in (0, 1, 7)]
        assert (table.folder / "_delta_log").is_dir()
        assert table.readable(table.version() or 0)
        assert sorted(place.name for place in lake.iterdir()) == ["lake.json", "tables"]
    assert sorted(place.name for place in tmp_path.iterdir()) == sorted(p.name for p in lakes)


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_in_a_folder_that_would_be_taken_for_another_is_refused(name: str) -> None:
    with pytest.raises(LakehouseError, match="in its path"):
        TableRef.in_folder(Path("/data", name))
