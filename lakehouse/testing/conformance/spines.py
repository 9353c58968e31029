"""The spine: every row comes back once, and its entities are told apart."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.declare import (
    Contract,
    Count,
    Curated,
    Entity,
    FeatureView,
    LatestView,
    Sum,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.engines.protocol import BoundView, Engine
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.comparing import NotConforming
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    card_in_shop,
    movement,
    movements,
    numbered,
    other_movements,
    spine_of,
    table_of,
)

BY_CARD = FeatureView(
    "by_card",
    of=movements,
    by=card,
    n=Count(over=last("1d")),
    spend=Sum("amount_eur", over=last("1d")),
)
LAST = LatestView("last_by_card", of=movements, by=card, columns=("points",))
BY_BOTH = FeatureView(
    "by_both",
    of=movements,
    by=card_in_shop,
    n=Count(over=last("1d")),
    p=Sum("points", over=last("1d")),
)
LAST_BOTH = LatestView("last_by_both", of=movements, by=card_in_shop, columns=("points",))


class Typed(Contract):
    """Entities of every type of key."""

    typed_id: str = key()
    number: int | None
    amount: Decimal | None = column(scale=2)
    day: date | None
    seen_at: datetime | None
    flag: bool | None
    happened_at: datetime = event_time()


typed = Curated("typed", "SELECT * FROM {movements}", inputs=(movements,), contract=Typed)


def check_every_spine_row_comes_back_once(engine: Engine, _: Path) -> None:
    """Duplicates, any order, unknown entities, null keys, and columns of any name beside."""
    rows = [movement(NOON - n * HOUR, card=name, points=n) for n in (1, 2, 3) for name in "ab"]
    rows += [movement(NOON - HOUR, card=None, points=99)]
    asked = [("b", NOON), ("a", NOON - HOUR), ("b", NOON), ("nobody", NOON), (None, NOON)]
    asked += [("a", NOON + 90 * DAY), ("a", NOON - 90 * DAY), ("", NOON), ("a", NOON), ("b", NOON)]
    spine = spine_of(asked)
    beside = [None if at == NOON else 7 for _, at in asked]  # equal in rows that ask the same
    for name in ("happened_at", "points", "movement_id", "at", "x_y", "select", KNOWN_AT):
        spine = spine.append_column(name, pa.array(beside))
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, (BY_CARD, LAST), spine)


def check_empty_tables_and_spines(engine: Engine, _: Path) -> None:
    """Nothing asked, or nothing to answer from: the columns are there, counts and sums are 0."""
    rows = {"movements": table_of(movements, numbered([movement(NOON - HOUR, shop="s")]))}
    nothing = {"movements": table_of(movements, [])}
    views = (BY_CARD, LAST, BY_BOTH, LAST_BOTH)
    both = ("card", "shop")
    for facts in (rows, nothing):
        require_oracle(engine, facts, views, spine_of([], both))
        require_oracle(engine, facts, views, spine_of([("a", "s", NOON), (None, "s", NOON)], both))
    require_oracle(engine, rows, (), spine_of([("a", NOON)]))


def check_composite_keys_do_not_collide(engine: Engine, _: Path) -> None:
    """("1", "11") is not ("11", "1"), and a null in a key is no entity, not even with itself."""
    keys: list[tuple[Any, Any]] = [
        ("1", "11"),
        ("11", "1"),
        ("1", "1"),
        ("111", ""),
        ("", "111"),
        (None, "111"),
    ]
    keys += [("1", None), (None, None), ("1|1", "1"), ("1", "1|1"), ("a", "b"), ("b", "a")]
    rows = [
        movement(NOON - HOUR, card=one, shop=other, points=1 << place)
        for place, (one, other) in enumerate(keys)
    ]
    asked = [(*pair, NOON) for pair in keys] + [("1", "a", NOON), ("a", "1", NOON)]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, (BY_BOTH, LAST_BOTH, BY_CARD), spine_of(asked, ("card", "shop")))


def check_text_keys_are_compared_exactly(engine: Engine, _: Path) -> None:
    """No trimming, folding, normalising or padding makes two entities one."""
    keys = ["a", "A", " a", "a ", "", "ä", "a\u0308", "null", "NaN", "0", "00", "a\x00", "'", "🂡"]
    rows = [movement(NOON - HOUR, card=name, points=1 << n) for n, name in enumerate(keys)]
    facts = {"movements": table_of(movements, numbered(rows))}
    spine = spine_of([(name, NOON) for name in keys])
    require_oracle(engine, facts, (BY_CARD, LAST), spine)


def check_keys_of_every_type(engine: Engine, _: Path) -> None:
    """Integers, decimals, dates, times and booleans identify entities as text does."""
    big = 2**53  # the next integer has no float of its own
    values: dict[str, list[Any]] = {
        "number": [0, -1, big, big + 1, None],
        "amount": [Decimal("1.10"), Decimal("1.11"), Decimal("-1.10"), Decimal("0.00"), None],
        "day": [date(1970, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(1, 1, 1), None],
        "seen_at": [NOON, NOON + 1, -1, 0, None],
        "flag": [True, False, True, False, None],
    }
    rows = [
        {"typed_id": f"t{n}", "happened_at": NOON - HOUR, KNOWN_AT: NOON - HOUR}
        | {name: of_kind[n] for name, of_kind in values.items()}
        for n in range(5)
    ]
    table = table_of(typed, rows)
    spine = table.select(list(values)).append_column(
        "asked_at", pa.array([NOON] * 5, pa.timestamp("us", tz="UTC"))
    )
    spine = spine.append_column("row", pa.array(range(5)))
    keys = [(name,) for name in values] + [("number", "flag"), ("day", "amount", "seen_at")]
    views = [
        FeatureView(
            f"by_{place}", of=typed, by=Entity(f"e{place}", key=k), n=Count(over=last("1d"))
        )
        for place, k in enumerate(keys)
    ]
    require_oracle(engine, {"typed": table}, views, spine)


def check_several_views_at_once(engine: Engine, _: Path) -> None:
    """Views of one table and of several, by different entities, do not disturb each other."""
    first = [
        movement(NOON - n * HOUR, card="ab"[n % 2], shop="xy"[n // 2 % 2], points=n)
        for n in range(8)
    ]
    second = [movement(NOON - n * HOUR - 1, card="b", shop="x", points=-n) for n in range(5)]
    elsewhere = FeatureView(
        "elsewhere", of=other_movements, by=card, delay="1h", p=Sum("points", over=last("3h"))
    )
    facts = {
        "movements": table_of(movements, numbered(first)),
        "other_movements": table_of(other_movements, numbered(second)),
    }
    asked = [(one, two, NOON + h * HOUR) for one in "ab" for two in "xy" for h in (-3, 0, 2)]
    views = (LAST_BOTH, elsewhere, BY_CARD, LAST, BY_BOTH)
    require_oracle(engine, facts, views, spine_of(asked, ("card", "shop")))


def check_moments_of_any_zone(engine: Engine, _: Path) -> None:
    """A moment is the same one in whatever zone it is written, and one of UTC without a zone."""
    change = int(datetime(2024, 10, 27, 1, tzinfo=UTC).timestamp()) * 1_000_000
    rows = [movement(change + n * HOUR // 2, points=1 << (n + 6)) for n in range(-6, 7)]
    facts = {"movements": table_of(movements, numbered(rows))}
    hour = FeatureView("hour", of=movements, by=card, p=Sum("points", over=last("1h", "1d")))
    spine = spine_of([("a", change + n * HOUR // 2) for n in range(-6, 9)])
    for zone in (None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:45"):
        local = spine.column("asked_at").cast(pa.timestamp("us", tz=zone))
        require_oracle(engine, facts, (hour, LAST), spine.set_column(2, "asked_at", local))


def check_wrong_spines_are_refused(engine: Engine, _: Path) -> None:
    """A null moment, a missing key, keys of another type, sums that no amount can hold."""
    spine = spine_of([("a", NOON), ("b", NOON)])
    number = pa.array([1, 2])
    partly = pa.array([NOON, None], pa.timestamp("us", tz="UTC"))
    wrong = {
        "a null moment": spine.set_column(2, "asked_at", partly),
        "a moment that is a number": spine.set_column(2, "asked_at", number),
        "a spine without the entity's key": spine.drop_columns("card"),
        "a key of another type": spine.set_column(1, "card", number),
        "a column that a feature would hide": spine.append_column("by_card__n_1d", number),
    }
    rows = engine.from_arrow(table_of(movements, numbered([movement(NOON - HOUR)])))
    for what, table in wrong.items():
        _refused(engine, table, BoundView(BY_CARD, rows), what)
    edge = Decimal("9999999999999999.99")
    wide = numbered(
        [movement(NOON - HOUR, amount_eur=amount) for amount in (edge, Decimal("0.01"))]
    )
    frame = engine.from_arrow(table_of(movements, wide))
    _refused(engine, spine, BoundView(BY_CARD, frame), "a sum of nineteen digits")


def _refused(engine: Engine, spine: Any, view: BoundView, what: str) -> None:
    try:
        answer = engine.historical_features(engine.from_arrow(spine), "asked_at", [view])
        engine.to_arrow(answer)
    except LakehouseError:
        return
    raise NotConforming(f"{what} was not refused with a LakehouseError.")
