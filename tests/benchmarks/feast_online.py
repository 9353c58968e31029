"""Feast's own SDK reading online, on stores of its own: what the platform is measured beside.

Feast stores values and not rows: those of the moment at which they were written. They are written
here once, and read with its stock settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from lakehouse.declare.features import FeatureView as Declared
from lakehouse.features.online.read.reader import FeatureReader


def feast_store(
    folder: Path, online_store: Mapping[str, Any], values: Mapping[Declared, pd.DataFrame]
) -> Any:
    """A Feast over these values of entities, by the view that they are of."""
    import feast
    from feast.types import Float64, Int64, String

    folder.mkdir(parents=True)
    config = {
        "project": "bench",
        "provider": "local",
        "registry": str(folder / "registry.db"),
        "online_store": dict(online_store),
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(json.dumps(config))
    store = feast.FeatureStore(repo_path=str(folder))
    views = {view: _view(feast, folder, view, (Int64, Float64), String) for view in values}
    entities = [entity for view in views.values() for entity in view[1]]
    store.apply([*entities, *(view for view, _ in views.values())])
    at = datetime.now(UTC)
    for view, frame in values.items():
        store.write_to_online_store(view.name, frame.assign(event_timestamp=at))
    return store


def _view(feast: Any, folder: Path, view: Declared, types: tuple[Any, Any], text: Any) -> Any:
    from feast.value_type import ValueType

    keys = [
        feast.Entity(name=name, join_keys=[name], value_type=ValueType.STRING)
        for name in view.by.keys
    ]
    schema = [feast.Field(name=name, dtype=text) for name in view.by.keys]
    schema += [
        feast.Field(name=f.full_name, dtype=types[0] if f.kind == "int" else types[1])
        for f in view.features
    ]
    source = feast.FileSource(
        name=view.name, path=str(folder / view.name), timestamp_field="event_timestamp"
    )
    made = feast.FeatureView(
        name=view.name, entities=keys, schema=schema, source=source, ttl=timedelta(days=0)
    )
    return made, keys


def values_of(
    online: FeatureReader, view: Declared, keys: Sequence[Mapping[str, str]], at_us: int
) -> pd.DataFrame:
    """The values of keys that the platform gives at a moment, in Feast's types."""
    found = online.get_many(view, keys, [at_us] * len(keys))
    frame = pd.DataFrame([{**key, **of_key} for key, of_key in zip(keys, found, strict=True)])
    return frame.astype({f.full_name: float for f in view.features if f.kind != "int"})


def reader(store: Any, views: Sequence[Declared]) -> Callable[[list[dict[str, str]]], Any]:
    """The call that reads all features of some entities."""
    asked = names(views)

    def read(keys: list[dict[str, str]]) -> Any:
        return store.get_online_features(asked, keys).to_dict()

    return read


def names(views: Sequence[Declared]) -> list[str]:
    """All features of views, as Feast is asked for them."""
    return [f"{view.name}:{f.full_name}" for view in views for f in view.features]


def settings(folder: Path, redis_url: str) -> dict[str, dict[str, str]]:
    """Feast's online stores: a file in the folder, and a database of the server of its own."""
    address = redis_url.removeprefix("redis://").partition("/")[0]
    return {
        "SQLite": {"type": "sqlite", "path": str(folder / "feast.db")},
        "Redis": {"type": "redis", "connection_string": f"{address},db=1"},
    }
