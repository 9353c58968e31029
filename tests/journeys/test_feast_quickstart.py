"""Feast's own quickstart, with the lakehouse's stores in the place of Feast's.

Drivers' hourly statistics are made anew from a seed. The repository holds what that tutorial
holds: an entity, a view over Parquet, an on-demand view that adds request values, services, and a
source to push to. Nothing of it is declared to the lakehouse, and there is no lake.
"""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast import FeatureStore
from feast.data_source import PushMode
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

pytestmark = [
    pytest.mark.filterwarnings("ignore:On demand feature view is an experimental:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Saving dataset is an experimental:RuntimeWarning"),
]
FEAST = Path(sys.executable).parent / "feast"
DRIVERS = (1001, 1002, 1003, 1004, 1005)
STATISTICS = ("conv_rate", "acc_rate", "avg_daily_trips")
CONFIGURATION = """
project: drivers
provider: local
registry: data/registry.db
offline_store:
  type: lakehouse.adapters.feast.offline.LakehouseOfflineStore
online_store:
  type: lakehouse.adapters.feast.online.LakehouseOnlineStore
  path: data/online.db
entity_key_serialization_version: 3
"""
DEFINITIONS = """
from datetime import timedelta

import pandas as pd
from feast import (
    Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType,
)
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float32, Float64, Int64

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
hourly = FileSource(
    name="hourly",
    path="data/driver_stats.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)
pushed = PushSource(name="pushed", batch_source=hourly)
schema = [
    Field(name="conv_rate", dtype=Float32),
    Field(name="acc_rate", dtype=Float32),
    Field(name="avg_daily_trips", dtype=Int64),
]
statistics = FeatureView(
    name="statistics", entities=[driver], ttl=timedelta(days=1), schema=schema, source=hourly,
)
fresh = FeatureView(
    name="fresh", entities=[driver], ttl=timedelta(days=1), schema=schema, source=pushed,
)
to_add = RequestSource(
    name="to_add", schema=[Field(name="first", dtype=Int64), Field(name="second", dtype=Int64)]
)


@on_demand_feature_view(
    sources=[statistics, to_add],
    schema=[Field(name="plus_first", dtype=Float64), Field(name="plus_second", dtype=Float64)],
)
def added(inputs: pd.DataFrame) -> pd.DataFrame:
    df = pd.DataFrame()
    df["plus_first"] = inputs["conv_rate"] + inputs["first"]
    df["plus_second"] = inputs["conv_rate"] + inputs["second"]
    return df


plain_service = FeatureService(name="plain", features=[statistics[["conv_rate", "acc_rate"]]])
added_service = FeatureService(name="with_request", features=[statistics, added])
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository after `feast apply`, its statistics running to this hour."""
    folder = tmp_path_factory.mktemp("drivers")
    (folder / "data").mkdir()
    (folder / "feature_store.yaml").write_text(CONFIGURATION)
    (folder / "definitions.py").write_text(DEFINITIONS)
    statistics().to_parquet(folder / "data" / "driver_stats.parquet")
    done = subprocess.run([FEAST, "apply"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def statistics(days: int = 5) -> pd.DataFrame:
    """Hourly statistics of each driver; one hour is written twice, the second time corrected."""
    chance = random.Random(7)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = []
    for hour in range(days * 24):
        at = now - timedelta(hours=hour)
        for driver in DRIVERS[:4]:
            times = 2 if hour == 3 else 1
            for time in range(times):
                row = {name: chance.random() for name in ("conv_rate", "acc_rate")}
                trips = chance.randrange(1, 1000)
                created = at + timedelta(minutes=30 * time)
                rows.append(
                    {
                        "event_timestamp": at,
                        "driver_id": driver,
                        **row,
                        "avg_daily_trips": trips,
                        "created": created,
                    }
                )
    stale = {**rows[0], "driver_id": DRIVERS[4], "event_timestamp": now - timedelta(days=2)}
    frame = pd.DataFrame([*rows, {**stale, "created": now - timedelta(days=2)}])
    frame = frame.astype({"conv_rate": "float32", "acc_rate": "float32"})
    return frame.sample(frac=1, random_state=3, ignore_index=True)


def expected(row: Any, rows: pd.DataFrame, known: bool = False) -> list[Any]:
    """The statistics at a moment by a plain reading: the newest hour, then the newest writing."""
    at = row.event_timestamp
    alive = rows[
        (rows.driver_id == row.driver_id)
        & (rows.event_timestamp <= at)
        & (rows.event_timestamp >= at - timedelta(days=1))
        & ((rows.created <= at) | (not known))
    ]
    if alive.empty:
        return [None] * 3
    last = alive.sort_values(["event_timestamp", "created"]).iloc[-1]
    return [last[name] for name in STATISTICS]


def entity_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Moments in no order, some twice, of known drivers, an unknown one and none, with a note."""
    chance = random.Random(11)
    last = rows.event_timestamp.max()
    asked = [
        {
            "driver_id": chance.choice([*DRIVERS, 4711, None]),
            "event_timestamp": last - timedelta(minutes=chance.randrange(-90, 8 * 24 * 60)),
            "note": chance.choice(["a", "b", None]),
            "first": chance.randrange(9),
            "second": chance.randrange(9),
        }
        for _ in range(300)
    ]
    # Between the first writing of an hour and its correction.
    asked += [{**asked[0], "driver_id": 1001, "event_timestamp": last - timedelta(minutes=160)}] * 2
    return pd.DataFrame([*asked, *asked[:20]])


def nulls(values: Any) -> list[Any]:
    return [None if pd.isna(v) else v for v in values]


def test_history_is_that_of_a_plain_reading_and_every_row_comes_back_once(
    repository: Path,
) -> None:
    rows = pd.read_parquet(repository / "data" / "driver_stats.parquet")
    asked = entity_rows(rows)
    store = FeatureStore(str(repository))
    for known in (False, True):
        answer = store.get_historical_features(
            asked, [f"statistics:{n}" for n in STATISTICS], filter_by_created_timestamp=known
        ).to_df()
        assert nulls(answer["note"]) == nulls(asked["note"])
        wanted = [expected(row, rows, known) for row in asked.itertuples()]
        found = [nulls(row) for row in answer[list(STATISTICS)].itertuples(index=False)]
        assert found == wanted
        assert 0.3 < sum(row[0] is not None for row in wanted) / len(wanted) < 0.9


def test_on_demand_views_add_what_the_request_brings(repository: Path) -> None:
    store = FeatureStore(str(repository))
    asked = entity_rows(pd.read_parquet(repository / "data" / "driver_stats.parquet"))
    answer = store.get_historical_features(asked, store.get_feature_service("with_request")).to_df()
    assert nulls(answer["plus_first"]) == nulls(answer["conv_rate"] + answer["first"])
    assert len(answer) == len(asked)


def test_what_is_materialised_and_pushed_is_read_and_nothing_older_than_the_ttl(
    repository: Path,
) -> None:
    rows = pd.read_parquet(repository / "data" / "driver_stats.parquet")
    store = FeatureStore(str(repository))
    now = datetime.now(UTC)
    store.materialize_incremental(now)
    asked = [
        {"driver_id": d, "first": 1, "second": 2} for d in (1002, 1001, 1005, 4711, None, 1001)
    ]
    online = store.get_online_features(store.get_feature_service("with_request"), asked).to_dict()
    last = rows.event_timestamp.max()
    newest = rows[rows.event_timestamp == last].set_index("driver_id")["conv_rate"].to_dict()
    wanted = [newest.get(row["driver_id"]) for row in asked]
    assert online["conv_rate"] == [w if w is None else pytest.approx(w) for w in wanted]
    assert online["plus_second"][0] == pytest.approx(newest[1002] + 2)

    def push(at: datetime, trips: int, to: PushMode = PushMode.ONLINE) -> int:
        row = {"driver_id": 1001, "conv_rate": 0.5, "acc_rate": 0.5, "avg_daily_trips": trips}
        frame = pd.DataFrame([{**row, "event_timestamp": at, "created": at}])
        frame = frame.astype({"conv_rate": "float32", "acc_rate": "float32"})
        store.push("pushed", frame, to=to)
        answer = store.get_online_features(["fresh:avg_daily_trips"], [{"driver_id": 1001}])
        return int(answer.to_dict()["avg_daily_trips"][0])

    assert push(now, 2001) == 2001
    assert push(now - timedelta(hours=9), 2002) == 2001  # an older event takes nothing's place
    assert push(now + timedelta(seconds=1), 2003, PushMode.ONLINE_AND_OFFLINE) == 2003
    moment = pd.DataFrame([{"driver_id": 1001, "event_timestamp": now + timedelta(minutes=1)}])
    history = store.get_historical_features(moment, ["fresh:avg_daily_trips"]).to_df()
    assert list(history["avg_daily_trips"]) == [2003]


def test_an_answer_is_kept_as_a_data_set_and_found_again(repository: Path) -> None:
    store = FeatureStore(str(repository))
    asked = entity_rows(pd.read_parquet(repository / "data" / "driver_stats.parquet")).dropna()
    job = store.get_historical_features(asked, store.get_feature_service("plain"))
    kept = store.create_saved_dataset(
        from_=job, name="kept", storage=SavedDatasetFileStorage("data/kept.parquet")
    )
    assert sorted(nulls(kept.to_df()["conv_rate"]), key=str) == sorted(
        nulls(job.to_df()["conv_rate"]), key=str
    )
