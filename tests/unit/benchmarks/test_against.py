"""Figures that benchmarks print are read back, and compared by their whole spread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import against, contest, printed
from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.against import Compared, Raw, compared
from tests.benchmarks.printed import READERS, Figure


def test_every_benchmark_is_compared_and_read() -> None:
    assert {*NAMES} - {"starts"} == {*against.OPTIONS} == {*READERS}


def test_kernels_are_read_beside_the_faster_polars() -> None:
    text = (
        "1,750,000 events and moments, best of 2 rounds\n"
        "polars: rolling_sum_by over each key                   1.00 s ( 2.00 s of processors)"
        "   1.00 of the faster Polars\n"
        "polars: rolling, grouped by each key                   4.00 s ( 1.50 s of processors)"
        "   4.00 of the faster Polars\n"
        "kernels: count, exact sum, 1 % late                    0.50 s ( 0.45 s of processors)"
        "   0.50 of the faster Polars\n"
    )
    assert printed.windows(text) == {
        "kernels: count, exact sum, 1 % late, s": Figure(
            0.5, 1.0, "polars: rolling_sum_by over each key"
        ),
        "kernels: count, exact sum, 1 % late, processors, s": Figure(
            0.45, 1.5, "polars: rolling, grouped by each key"
        ),
    }


def test_a_contest_is_read_as_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    ours = contest.Measured(0.9, 1.4, 900.0, 1_754_155, {})
    peer = contest.Measured(1.8, 3.5, 600.0, 1_754_155, {})
    some = contest.Measured(0.2, 0.3, 400.0, 100_000, {})
    contest.show("lakehouse", ours, ours)
    contest.show("DuckDB, ASOF joins", peer, ours)
    contest.show("lakehouse", some)
    figures = printed.contest(capsys.readouterr().out)
    assert figures == {
        "lakehouse, 1,754,155 rows, s": Figure(0.9, 1.8, "DuckDB, ASOF joins"),
        "lakehouse, 1,754,155 rows, processors, s": Figure(1.4, 3.5, "DuckDB, ASOF joins"),
        "lakehouse, 1,754,155 rows, MiB": Figure(900.0, 600.0, "DuckDB, ASOF joins"),
        "lakehouse, 100,000 rows, s": Figure(0.2),
        "lakehouse, 100,000 rows, processors, s": Figure(0.3),
        "lakehouse, 100,000 rows, MiB": Figure(400.0),
    }


def test_the_large_size_is_read_beside_the_small_one() -> None:
    text = (
        "small: 1,750,000 moments into arrow in 2.0 s (3.0 + 0.5 s of processors), at most "
        "1.00 GiB\n"
        "large: 17,500,000 moments into arrow in 21.0 s (30.0 + 5.0 s of processors), at most "
        "3.50 GiB\n"
    )
    figures = printed.scale(text)
    assert {name: figure.ratio for name, figure in figures.items()} == {
        **{"small, s": 2.0, "small, processors, s": 3.5, "small, GiB": 1.0},
        **{"large, s": 10.5, "large, processors, s": 10.0, "large, GiB": 3.5},
    }


def test_online_figures_are_read_beside_feast_where_it_was_asked() -> None:
    text = json.dumps(
        {
            "peak memory of this process, MiB": {"": 900},
            "12 features of 1": {
                "SQLite": {"p50": 40.0, "server": 0},
                "Feast, SQLite": {"p50": 200.0, "server": 0},
            },
            "pushes": {"Redis": {"events/s": 10_000}},
        }
    )
    assert printed.online(text) == {
        "peak memory of this process, MiB": Figure(900.0),
        "12 features of 1, SQLite, p50, µs": Figure(40.0, 200.0, "Feast, SQLite"),
        "pushes, Redis, s an event": Figure(1e-4),
    }


def test_requests_a_second_are_read_as_seconds_a_request() -> None:
    line = (
        "{:20} 1 connection: p50 {} ms, p99 2.00 ms; "
        "16 connections: {} requests/s, p50 7.0 ms, p99 9.0 ms\n"
    )
    text = line.format("features, Redis", "0.50", "2,000")
    text += line.format("predict, SQLite", "0.80", "1,000")
    text += line.format("feast serve, Redis", "5.00", "200")
    figures = printed.serving(text)
    assert figures["features, Redis, p50, ms"] == Figure(0.5, 5.0, "feast serve, Redis")
    assert figures["features, Redis, s a request of 16"].ratio == pytest.approx(0.1)
    assert figures["predict, SQLite, s a request of 16"] == Figure(0.001)


def test_sparks_figures_are_read() -> None:
    text = (
        "lakehouse on Spark, latest        1,754,155 rows     20.0 s  (exact)\n"
        "lakehouse on Spark, 10,000           10,000 rows      2.0 s  (exact)\n"
        "Feast on Spark, latest               10,003 rows      8.0 s  (10,000 asked)\n"
    )
    assert printed.spark(text) == {
        "lakehouse on Spark, latest, s": Figure(20.0),
        "lakehouse on Spark, 10,000, s": Figure(2.0, 8.0, "Feast on Spark, latest"),
    }
    text = (
        "lakehouse                       10.0 s    18.0 s of processors\n"
        "range windows, moments          40.0 s    72.0 s of processors\n"
        "lakehouse takes 0.25 times as long as range windows, moments\n"
    )
    figures = printed.spark_windows(text)
    assert {name: figure.ratio for name, figure in figures.items()} == {
        "lakehouse beside range windows, moments, s": 0.25,
        "lakehouse beside range windows, moments, processors, s": 0.25,
    }
    text = (
        "1,000,000 rows of 15 inputs written in 9 s\n"
        "950,000 rows, 50 trees fitted on 2 workers in 30 s\n"
        "50,000 rows scored in 4 s, area under the ROC curve 0.8000\n"
        "peak memory: driver's JVM 1,500 MiB (with the tasks when local), driver's Python 700 MiB, "
        "workers' Python together 1,100 MiB\n"
    )
    assert printed.distributed_fit(text) == {
        **{"written, s": Figure(9.0), "fitted, s": Figure(30.0), "scored, s": Figure(4.0)},
        **{"JVM, MiB": Figure(1500.0), "driver's Python, MiB": Figure(700.0)},
        "workers' Python together, MiB": Figure(1100.0),
    }


def test_a_figure_is_worse_only_if_every_turn_says_so() -> None:
    then = [1.0, 1.0, 2.0]
    assert Compared("", "", then, [1.2, 1.3, 2.3]).verdict == "worse"
    assert Compared("", "", then, [1.2, 5.0, 2.1]).verdict == "same"
    assert Compared("", "", then, [0.9, 0.5, 1.0]).verdict == "better"
    assert Compared("", "", then, [1.0, 0.5, 1.0]).verdict == "same"


def test_turns_compare_ratios_of_figures_on_both_sides() -> None:
    then = {"a": Figure(2.0, 4.0, "peer"), "gone": Figure(1.0)}
    now = {"new": Figure(1.0), "a": Figure(3.0, 5.0, "peer")}
    assert compared([(then, now), (then, now)]) == [Compared("a", "peer", [0.5, 0.5], [0.6, 0.6])]


def test_turns_are_kept_and_those_of_other_options_refused(tmp_path: Path) -> None:
    file = tmp_path / "raw.json"
    raw = Raw(file)
    assert raw.turns("windows") == []
    raw.add("windows", "then", "now")
    assert Raw(file).turns("windows") == [("then", "now")]
    file.write_text(json.dumps({"windows": {"options": ["--rounds", "7"], "turns": []}}))
    with pytest.raises(SystemExit, match="with other options"):
        Raw(file).turns("windows")
