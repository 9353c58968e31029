"""Processes of both engines commit into one table at once, and no accepted row is lost.

In full, by two Spark processes and one of the embedded engine, beside one that takes no lock:

    python -m tests.integration.test_concurrent_writers 300
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Engine, Transaction
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import SparkSettings, from_environment
from lakehouse.storage.tables import TableRef
from tests.integration.concurrent_writer import Written, row, watched, write

ROOT = Path(__file__).parents[2]


def test_accepted_rows_of_all_processes_are_there_once_and_the_log_is_whole(
    spark: SparkEngine, spark_settings: SparkSettings, tmp_path: Path
) -> None:
    table = _table(tmp_path)
    spark.to_arrow(spark.from_arrow(row("spark here", 0)))
    kinds = {"spark there": ("spark", 4), "embedded": ("embedded", 4), "plain": ("plain", 1)}
    with _processes(table, kinds, spark_settings) as others:
        (tmp_path / "go").touch()
        told = [write(spark, table, "spark here", 4)]
        told += [_ended(others[name]) for name in ("spark there", "embedded")]
        (tmp_path / "done").touch()
        told.append(_ended(others["plain"]))
    check(table, told)


def test_a_refused_commit_is_typed_and_tried_again_on_spark(
    spark: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows' own computing is in the way of their commit, the first time."""
    table, marker = _table(tmp_path), str(tmp_path / "altered")

    def in_the_way(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows and not Path(marker).exists():
                Path(marker).touch()
                alter(table)
            yield batch

    rows = row("spark", 1)
    frame = spark.map_arrow(spark.from_arrow(rows), in_the_way, rows.schema)
    refused = refusals(spark, monkeypatch)
    spark.write(TableRef.in_folder(table), frame, "append", Transaction("spark", 1))
    assert refused == ["WriteConflict"]
    check(table, [Written("spark", [1])])


def test_a_refused_commit_is_typed_and_tried_again_on_the_embedded_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another commits while the rows are written, the first time."""
    table, engine, altered = _table(tmp_path), EmbeddedEngine(), []

    def write_meanwhile(place: str, batches: Any, **options: Any) -> None:
        def streamed() -> Iterator[pa.RecordBatch]:
            if not altered:  # delta-rs waits for the rows, and cannot be called meanwhile
                script = f"from {__name__} import *; alter(Path({str(table)!r}))"
                altered.append(subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True))
            yield from batches

        stream = pa.RecordBatchReader.from_batches(batches.schema, streamed())
        write_deltalake(place, stream, **options)

    monkeypatch.setattr("lakehouse.engines.embedded.writing.write_deltalake", write_meanwhile)
    refused = refusals(engine, monkeypatch)
    frame = engine.from_arrow(row("embedded", 1))
    engine.write(TableRef.in_folder(table), frame, "append", Transaction("embedded", 1))
    assert refused == ["WriteConflict"]
    check(table, [Written("embedded", [1])])


def alter(table: Path) -> None:
    """Change the table's metadata, which makes Delta refuse whoever commits at that time."""
    properties = {"delta.checkpointInterval": "11"}
    DeltaTable(str(table)).alter.set_table_properties(properties)


def refusals(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that every refusal of an attempt of the engine is noted in."""
    refused: list[str] = []
    place = f"{type(engine).__module__}.commit_once"
    monkeypatch.setattr(place, watched(refused))
    return refused


def check(table: Path, told: Sequence[Written]) -> None:
    """Raise AssertionError unless every accepted row is there once and every version readable."""
    newest = DeltaTable(str(table)).version()
    names = sorted((table / "_delta_log").glob("*.json"))
    assert [int(name.stem) for name in names] == list(range(newest + 1))
    rows = [
        DeltaTable(str(table), version=n).to_pyarrow_table().num_rows for n in range(newest + 1)
    ]
    assert rows == sorted(rows)
    found = Counter(
        (line["writer"], line["number"])
        for line in DeltaTable(str(table)).to_pyarrow_table().to_pylist()
    )
    accepted = Counter((writer.writer, n) for writer in told for n in writer.accepted)
    assert found == accepted
    for writer in told:
        if writer.writer != "plain":
            assert set(writer.refused) <= {"WriteConflict", "in the end: WriteConflict"}


def _table(folder: Path) -> Path:
    table = folder / "written_by_all"
    none = row("nobody", 0).slice(0, 0)
    engine = EmbeddedEngine()
    engine.write(
        TableRef.in_folder(table), engine.from_arrow(none), "append", Transaction("maker", 0)
    )
    return table


@contextmanager
def _processes(
    table: Path, kinds: dict[str, tuple[str, int]], settings: SparkSettings
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Writers as processes, when all are ready; none outlives the block."""
    environment = {
        **os.environ,
        "LAKEHOUSE_SPARK_MASTER": str(settings.master),
        "LAKEHOUSE_SPARK_JARS": str(settings.jars),
    }
    started = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.concurrent_writer"),
                *(str(table), kind, name, str(count)),
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for name, (kind, count) in kinds.items()
    }
    try:
        until = time.monotonic() + 120
        while not all((table.parent / f"{name}.ready").exists() for name in kinds):
            assert time.monotonic() < until, "a writer never got ready"
            assert all(process.poll() is None for process in started.values()), _said(started)
            time.sleep(0.05)
        yield started
    finally:
        for process in started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _ended(process: subprocess.Popen[str]) -> Written:
    printed, said = process.communicate(timeout=1200)
    assert process.returncode == 0, said
    return Written(**json.loads(printed.splitlines()[-1]))


def _said(processes: dict[str, subprocess.Popen[str]]) -> str:
    ended = [p for p in processes.values() if p.poll() is not None]
    return "\n".join(p.communicate()[1] for p in ended)


def main(commits: int) -> None:
    """Commit so many times by three processes, beside a fourth without a lock; print figures."""
    settings = from_environment()
    settings = SparkSettings("local[1]", settings.jars)
    each = commits // 3
    kinds = {name: (name.split()[0], each) for name in ("spark one", "spark two", "embedded")}
    kinds["plain"] = ("plain", 10)
    with tempfile.TemporaryDirectory() as folder:
        table = _table(Path(folder))
        with _processes(table, kinds, settings) as others:
            began = time.perf_counter()
            (table.parent / "go").touch()
            told = [_ended(others[name]) for name in kinds if name != "plain"]
            (table.parent / "done").touch()
            told.append(_ended(others["plain"]))
        for writer in told:
            refused = dict(Counter(writer.refused))
            print(f"{writer.writer:<10} {len(writer.accepted):>4} accepted, refused: {refused}")
        check(table, told)
        opened = DeltaTable(str(table))
        rows = opened.to_pyarrow_table().num_rows
        seconds = time.perf_counter() - began
        print(f"{rows} rows, {opened.version() + 1} versions, all readable, {seconds:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
