from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.errors import LakeFormatError
from lakehouse.records.home import FORMAT, Home


def refusal_of(path: Path) -> str:
    with pytest.raises(LakeFormatError) as refused:
        Home.open(path)
    return str(refused.value)


def test_a_new_lake_carries_its_format_and_its_clock(tmp_path: Path) -> None:
    made = Home.create(tmp_path / "deep" / "lake", "data")
    assert {"format": FORMAT, "clock": "data"} == json.loads(
        (tmp_path / "deep" / "lake" / "lake.json").read_text()
    )
    assert made == Home.open(tmp_path / "deep" / "lake")


def test_making_a_lake_that_is_there_opens_it_with_its_own_clock(tmp_path: Path) -> None:
    Home.create(tmp_path, "data")
    assert "data" == Home.create(tmp_path, "wall").clock


def test_a_folder_of_other_files_is_no_place_for_a_lake(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(LakeFormatError) as refused:
        Home.create(tmp_path)
    assert (
        f"{tmp_path} holds other files and no lake; name an empty folder in LAKEHOUSE_HOME."
        == str(refused.value)
    )
    assert ["thesis.txt"] == [p.name for p in tmp_path.iterdir()]


def test_a_lake_is_made_where_a_process_died_while_it_made_one(tmp_path: Path) -> None:
    (tmp_path / ".lake.json.4242").write_text('{"form')
    assert Home(tmp_path, "wall") == Home.create(tmp_path)


@pytest.mark.parametrize("below", ["", "lake"])
def test_a_file_is_no_place_for_a_lake(tmp_path: Path, below: str) -> None:
    file = tmp_path / "notes.txt"
    file.touch()
    with pytest.raises(LakeFormatError, match="is a file, or lies below one"):
        Home.create(file / below)


def test_processes_that_make_one_lake_at_once_all_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lakehouse.records.home import Home\n"
        "sys.stdin.readline(); print(Home.create(Path(sys.argv[1]) / 'lake').clock)"
    )
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    assert ["wall\n"] * 4 == [maker.communicate(timeout=60)[0] for maker in makers]
    assert ["lake.json"] == [p.name for p in (tmp_path / "lake").iterdir()]


def test_a_folder_that_is_not_there_is_no_lake(tmp_path: Path) -> None:
    assert (
        f"There is no lake in {tmp_path / 'gone'}; make one with 'lakehouse demo' or "
        "'lakehouse run', or name another folder in LAKEHOUSE_HOME."
    ) == refusal_of(tmp_path / "gone")


def test_opening_makes_no_lake(tmp_path: Path) -> None:
    refusal_of(tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ('{"format": 2, "clock": "wall"}', "has format 2, this version reads format 1; open it"),
        ('{"clock": "wall"}', "has format None, this version reads format 1"),
        ('{"format": 1, "clock": "lunar"}', "has format 1, this version reads format 1"),
        ("[1]", "has format None"),
        ('{"form', "is not readable JSON (Unterminated string"),
    ],
)
def test_a_marker_of_another_version_is_not_guessed_at(
    tmp_path: Path, marker: str, expected: str
) -> None:
    (tmp_path / "lake.json").write_text(marker)
    assert expected in refusal_of(tmp_path)


def test_each_thing_has_its_place_below_the_lake(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert [
        "landing/flights",
        "online/flights.db",
        "releases/flights/delay",
        "records.db",
        "mlflow",
    ] == [
        str(path.relative_to(tmp_path))
        for path in (
            home.landing("flights"),
            home.online("flights"),
            home.releases("flights", "delay"),
            home.records,
            home.mlflow,
        )
    ]
