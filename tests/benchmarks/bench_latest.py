"""Latest values from Delta table to Arrow table, beside DuckDB, Polars and Feast.

    python -m tests.benchmarks.bench_latest [--days 183] [--repeat 3] [--all]

Twelve values are stored for each of the handbook's 1.75 million payments, six by card and six by
terminal, in two tables. Asked are the latest of them at as many moments of their own. The platform
reads the Delta tables, the peers their Parquet files.

Feast is slow and asked for `--peer-rows` of the moments; `--all` asks its DuckDB store for all of
them once more. It is given `--limit` seconds each time.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from lakehouse.features.historical import historical
from lakehouse.storage.catalog import Catalog
from tests.benchmarks.contest import (
    Contestant,
    Measured,
    TooSlow,
    measure,
    run_one,
    show,
    show_ran,
)
from tests.benchmarks.payments_lake import (
    AT,
    LATEST,
    VALUES,
    asked_table,
    card_values,
    files,
    handbook,
    make_lake,
    open_context,
    store_values,
    terminal_values,
)

MODULE = "tests.benchmarks.bench_latest"
TABLES = {"card": card_values, "terminal": terminal_values}


def table_files(lake: Path, entity: str) -> list[str]:
    table = TABLES[entity]
    return files(Catalog.of(lake).table(table.zone, "payments_fraud", table.name))


def platform(lake: Path, rows: int | None) -> pa.Table:
    ctx = open_context(lake)
    spine = ctx.engine.read(asked_table(lake))
    if rows is not None:
        spine = ctx.engine.from_arrow(some(lake, rows))
    return ctx.engine.to_arrow(historical(ctx, spine, AT, LATEST))


def some(lake: Path, rows: int) -> pa.Table:
    """The first so many of the moments, which are in no order."""
    return parquet.read_table(files(asked_table(lake))).slice(0, rows)


ASOF = f"""
SELECT asked.*,
  {", ".join(f"card.{v} AS of_card__{v}" for v in VALUES)},
  {", ".join(f"terminal.{v} AS of_terminal__{v}" for v in VALUES)}
FROM asked
ASOF LEFT JOIN card ON asked.card_id = card.card_id AND card.at < asked.{AT}
ASOF LEFT JOIN terminal ON asked.terminal_id = terminal.terminal_id AND terminal.at < asked.{AT}
"""


def duckdb_asof(lake: Path, rows: int | None) -> pa.Table:
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    views = {"asked": files(asked_table(lake)), **{e: table_files(lake, e) for e in TABLES}}
    for name, paths in views.items():
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({paths})")
    return con.sql(ASOF).to_arrow_table()


def polars_join_asof(lake: Path, rows: int | None) -> pa.Table:
    import polars as pl

    asked = pl.scan_parquet(files(asked_table(lake))).sort(AT)
    for entity in TABLES:
        key = f"{entity}_id"
        names = {value: f"of_{entity}__{value}" for value in VALUES}
        stored = pl.scan_parquet(table_files(lake, entity)).select(key, "at", *VALUES)
        asked = asked.join_asof(
            stored.rename(names).sort("at"),
            left_on=AT,
            right_on="at",
            by=key,
            allow_exact_matches=False,
            coalesce=True,
        )
    return asked.collect().to_arrow()


def feast(store: str, lake: Path, rows: int | None) -> pa.Table:
    """The same join by an unmodified Feast, over one Parquet file of each table."""
    import warnings

    import feast as f
    from feast.types import Decimal as FeastDecimal
    from feast.types import Int64

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "feature_store.yaml").write_text(
            "project: bench\nprovider: local\nregistry: registry.db\n"
            f"offline_store: {{type: {store}}}\nonline_store: {{type: sqlite, path: online.db}}\n"
            "entity_key_serialization_version: 3\n"
        )
        opened = f.FeatureStore(repo_path=folder)
        made: list[Any] = []
        for entity in TABLES:
            of = f.Entity(name=entity, join_keys=[f"{entity}_id"])
            source = f.FileSource(path=str(one_file(lake, entity)), timestamp_field="at")
            fields = [f.Field(name=v, dtype=Int64 if v < "v4" else FeastDecimal) for v in VALUES]
            name = f"of_{entity}"
            made += [of, f.FeatureView(name=name, source=source, entities=[of], schema=fields)]
        opened.apply(made)
        asked = parquet.read_table(files(asked_table(lake))) if rows is None else some(lake, rows)
        named = ["event_timestamp" if name == AT else name for name in asked.column_names]
        wanted = [f"of_{entity}:{value}" for entity in TABLES for value in VALUES]
        return opened.get_historical_features(
            asked.rename_columns(named).to_pandas(), wanted, full_feature_names=True
        ).to_arrow()


def one_file(lake: Path, entity: str) -> Path:
    return lake / f"{entity}_values.parquet"


def write_files(lake: Path) -> None:
    """Write each table as one Parquet file, as Feast reads."""
    for entity in TABLES:
        parquet.write_table(parquet.read_table(table_files(lake, entity)), one_file(lake, entity))


FEAST = """
feature_store.yaml: offline_store: {{type: {store}}}
FeatureStore(…).get_historical_features(entity_df, features, full_feature_names=True).to_arrow()
"""
CONTESTANTS = {
    "lakehouse": Contestant(
        platform, "historical(ctx, asked, 'asked_at', LATEST) |> ctx.engine.to_arrow"
    ),
    "DuckDB, ASOF joins": Contestant(duckdb_asof, ASOF),
    "Polars, join_asof": Contestant(
        polars_join_asof,
        """
        scan_parquet(asked).sort('asked_at')
            .join_asof(scan_parquet(card).sort('at'), by='card_id', allow_exact_matches=False)
            .join_asof(scan_parquet(terminal).sort('at'), by='terminal_id', …).collect().to_arrow()
        """,
    ),
    "Feast on DuckDB": Contestant(
        partial(feast, "duckdb"), FEAST.format(store="duckdb"), slow=True
    ),
    "Feast on Dask": Contestant(partial(feast, "dask"), FEAST.format(store="dask"), slow=True),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=183)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--peer-rows", type=int, default=100_000)
    arguments.add_argument("--all", action="store_true", help="ask Feast on DuckDB for all, too")
    arguments.add_argument("--limit", type=int, default=600, help="seconds that Feast is given")
    arguments.add_argument("--lake", type=Path, help="a lake that an earlier run made and left")
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    arguments.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        run_one(CONTESTANTS[given.one], given.lake, given.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        lake = given.lake or Path(folder) / "lake"
        if not lake.exists():
            print(f"{make_lake(lake, handbook(given.days)):,} payments")
        if not one_file(lake, "terminal").exists():
            store_values(open_context(lake))
            write_files(lake)
        compare(lake, given.repeat, given.peer_rows, given.all, given.limit)
    show_ran(CONTESTANTS, list(CONTESTANTS))


def compare(lake: Path, rounds: int, some_rows: int, every: bool, limit_s: int) -> None:
    took: dict[str, Measured] = {}
    for name, contestant in CONTESTANTS.items():
        if not contestant.slow:
            took[name] = measure(MODULE, name, lake, None, rounds)
            show(name, took[name], took["lakehouse"])
            if took[name].sums != took["lakehouse"].sums:
                raise SystemExit(f"{name} gives other values: these figures mean nothing.")
    ours = measure(MODULE, "lakehouse", lake, some_rows, rounds)
    show("lakehouse", ours, ours)
    for name, contestant in CONTESTANTS.items():
        if not contestant.slow:
            continue
        asked: list[tuple[int | None, Measured]] = [(some_rows, ours)]
        if every and "DuckDB" in name:
            asked.append((None, took["lakehouse"]))
        for rows, beside in asked:
            try:
                show(name, measure(MODULE, name, lake, rows, 1, limit_s), beside)
            except TooSlow as slow:
                print(slow, flush=True)


if __name__ == "__main__":
    main()
