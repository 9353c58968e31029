"""Random histories: historical features equal the oracle, through pruned reads and all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.context import Context
from lakehouse.declare import (
    Count,
    Distinct,
    Domain,
    FeatureView,
    First,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Share,
    Std,
    Sum,
    last,
)
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.declare.features import StoredView
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.features.historical import historical
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from lakehouse.testing.conformance.against_oracle import Expected
from lakehouse.testing.conformance.comparing import close
from lakehouse.testing.conformance.world import (
    CRITERIA,
    NOON,
    Fields,
    card,
    card_in_shop,
    fields_of,
    movement,
    movements,
    numbered,
    table_of,
)

HISTORIES = 250
LENGTHS = ("1s", "1h", "5h", "1d", "3d")


@dataclass(frozen=True)
class InMemory(Context):
    """A context whose tables are Arrow tables; it keeps what `where` keeps, as a read does."""

    tables: dict[str, Any] = field(default_factory=dict)

    def read(self, table: Any, run: Any = None, **options: Any) -> Any:
        listed = ", ".join(f"`{name}`" for name in options["columns"])
        where = f" WHERE {options['where']}" if options["where"] else ""
        return self.engine.query(f"SELECT {listed} FROM t{where}", {"t": self.tables[table.name]})


times = st.builds(
    lambda steps, off: NOON + steps * HOUR + off,
    st.integers(-12, 12),
    st.sampled_from((-1, 0, 1)),
)
lateness = st.sampled_from((0, 0, 0, 1, -1, HOUR, -HOUR, 5 * HOUR, DAY, 3 * DAY + 1))
names = st.sampled_from(("1", "1", "11", None))
amounts = st.builds(  # too long for a float, and yet thirty of them have eighteen digits
    lambda great, small: Decimal(great * 3 * 10**15 + small).scaleb(-2),
    st.integers(-9, 9),
    st.integers(-99, 99),
)
rows = st.builds(
    lambda at, late, **fields: movement(at, at + late, **fields),
    times,
    lateness,
    card=names,
    shop=names,
    points=st.none() | st.integers(-3, 3),
    amount_eur=st.none() | amounts,
    weight=st.none() | st.floats(-1e6, 1e6),
    abroad=st.none() | st.booleans(),
    country=st.sampled_from((None, "DE", "FR")),
)
exact_windows = st.sampled_from(LENGTHS).map(last)
windows = st.one_of(
    exact_windows,
    st.sampled_from((("1d", "1h"), ("3d", "1d"), ("5h", "5h"), ("40d", "7d"))).map(
        lambda pair: last(pair[0], edge=pair[1])
    ),
)
criteria = st.none() | st.sampled_from(sorted(CRITERIA))
numbers = st.sampled_from(("points", "amount_eur", "weight", "points - 3", "weight * 2"))
columns = numbers | st.sampled_from(("abroad", "country", "coalesce(country, shop, 'none')"))
defaults: dict[str, Any] = {
    "points": 7,
    "points - 3": 7,
    "weight * 2": -1,
    "coalesce(country, shop, 'none')": "",
    "amount_eur": "0.05",
    "weight": -1,
    "abroad": True,
    "country": "",
}
aggregates = st.one_of(
    st.builds(
        lambda c, over, where: Count(c, over=over, where=where),
        st.none() | numbers | st.just("country"),
        windows,
        criteria,
    ),
    st.builds(
        lambda of, c, over, where: of(c, over=over, where=where),
        st.sampled_from((Sum, Mean)),
        numbers | st.just("abroad"),
        windows,
        criteria,
    ),
    st.builds(
        lambda of, c, over, where: of(c, over=over, where=where),
        st.sampled_from((Min, Max)),
        numbers,
        windows,
        criteria,
    ),
    st.builds(
        lambda c, over, where, default: Std(c, over=over, where=where, default=default),
        numbers,
        windows,
        criteria,
        st.sampled_from((None, -1)),
    ),
    st.builds(
        lambda of, c, over, where, known: of(
            c, over=over, where=where, default=defaults[c] if known else None
        ),
        st.sampled_from((First, Last)),
        columns,
        windows,
        criteria,
        st.booleans(),
    ),
    st.builds(
        lambda c, k, over, where: LastK(c, k=k, over=over, where=where),
        columns,
        st.sampled_from((1, 2, 5)),
        windows,
        criteria,
    ),
    st.builds(
        lambda c, over, where: Distinct(c, over=over, where=where),
        columns,
        exact_windows,
        criteria,
    ),
    st.builds(
        lambda c, over, where: Share(c, over=over, where=where),
        st.none() | columns,
        windows,
        st.sampled_from(sorted(CRITERIA)),
    ),
)
entities = st.sampled_from((card, card_in_shop))
windowed_views = st.builds(
    lambda by, delay, families: FeatureView(
        "windowed", of=movements, by=by, delay=delay, **{f"f{n}": a for n, a in enumerate(families)}
    ),
    entities,
    st.sampled_from((None, None, "1s", "1h", "1d")),
    st.lists(aggregates, min_size=3, max_size=6),
)
latest_views = st.builds(
    lambda by, columns, ttl, known: LatestView(
        "latest",
        of=movements,
        by=by,
        columns=columns,
        ttl=ttl,
        defaults={c: defaults[c] for c in columns} if known else None,
    ),
    entities,
    st.lists(
        st.sampled_from(("points", "country", "amount_eur", "weight", "abroad")),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    st.sampled_from((None, "1s", "1h", "1d")),
    st.booleans(),
)


def test_random_histories_equal_the_oracle(engine: EmbeddedEngine, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake")
    records = Records(home.records, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    domain = Domain("shop", description="", tables=[movements])
    ctx = InMemory(home, records, engine, domain, CodeVersion("test"))

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        st.just([]) | st.lists(rows, min_size=10, max_size=30),
        st.just([]) | st.lists(st.tuples(names, names, times), min_size=5, max_size=10),
        st.tuples(windowed_views, latest_views) | st.tuples(windowed_views),
    )
    def agree(history: list[Fields], asked: list[Any], views: tuple[StoredView, ...]) -> None:
        facts = numbered(history)
        table = engine.from_arrow(table_of(movements, facts))
        spine = pa.table(
            {
                "card": pa.array([one for one, _, _ in asked], pa.string()),
                "shop": pa.array([two for _, two, _ in asked], pa.string()),
                "asked_at": pa.array([at for _, _, at in asked], pa.timestamp("us", tz="UTC")),
            }
        )
        here = replace(ctx, tables={"movements": table})
        frame = historical(here, engine.from_arrow(spine), "asked_at", views)
        answer = fields_of(engine.to_arrow(frame))
        assert [(row["card"], row["shop"], row["asked_at"]) for row in answer] == asked
        for view in views:
            right = Expected.of(view, facts)
            for row in answer:
                for feature in view.features:
                    value = right.value(feature, row)
                    tolerance = right.tolerance(feature, row)
                    assert close(row[feature.full_name], value, tolerance), feature.dotted

    agree()
