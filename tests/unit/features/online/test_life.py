"""An online store through its life: pushes, new rows, corrections, lost and old ones.

After each step it gives what history gives of the same rows.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.context import Context
from lakehouse.declare import (
    Contract,
    Count,
    Curated,
    Distinct,
    FeatureView,
    First,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Mode,
    Quantile,
    Share,
    Since,
    Std,
    Sum,
    Trend,
    event_time,
    ever,
    last,
)
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.features.online.layout.entity_keys import EntityKeys
from lakehouse.features.online.layout.row_ids import RowKeys, number_of
from lakehouse.features.online.layout.slots import BEGINNING, ENDING, WindowLayout
from lakehouse.features.online.read.reader import FeatureReader, NotKept
from lakehouse.features.online.stores.protocol import OnlineStore
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.features.online.stores.redis.wire import command
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.materialise import backfill, materialise
from lakehouse.features.online.write.push import TooOld, push
from lakehouse.features.online.write.view_source import KeyTooLarge
from lakehouse.testing.conformance.against_oracle import Expected
from lakehouse.testing.conformance.comparing import close
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    fields_of,
    movement,
    movements,
    table_of,
)
from lakehouse.times import microseconds, moment
from tests.unit.features.conftest import MakeContext, written

EXACT, EDGED = last("3h", "2d"), last("2d", edge="6h") + last("40d", edge="1d")
BOTH = EXACT + EDGED
FEW = FeatureView(
    "few", of=movements, by=card, n=Count(over=EXACT), spend=Sum("points", over=EXACT)
)
LATEST = LatestView("latest", of=movements, by=card, columns=("points", "country"), ttl="20d")


def everything(delay: str | None) -> FeatureView:
    over = last("5h", "3d", edge="1h") + last("3h") + last("40d", edge="1d")
    return FeatureView(
        "everything",
        of=movements,
        by=card,
        delay=delay,
        n=Count(over=over),
        abroad=Share(where="abroad", over=over),
        spend=Sum("amount_eur", over=over),
        mean=Mean("amount_eur", over=over),
        spread=Std("amount_eur", over=over),
        weights=Std("weight", over=over),
        least=Min("points", over=over, default=-1),
        most=Max("weight", over=over),
        often=Mode("country", over=last("3h", "2d")),
        median=Quantile("amount_eur", q=0.5, over=last("3h", "2d")),
        trend=Trend("points", over=last("3h", "2d")),
        since=Since(where="abroad", over=over),
        first=First("country", over=over),
        last=Last("points", over=over),
        recent=LastK("country", k=3, over=over),
        points=LastK("points", k=4, over=over, where="abroad"),
        countries=Distinct("country", over=last("3h", "2d")),
    )


def of_any_age(delay: str | None) -> FeatureView:
    over = last(rows=1) + last(rows=4) + ever() + last("3h")
    return FeatureView(
        "of_any_age",
        of=movements,
        by=card,
        delay=delay,
        n=Count(over=over),
        abroad=Share(where="abroad", over=over),
        spend=Sum("amount_eur", over=over, where="country is null"),
        spread=Std("points", over=over, where="abroad"),
        most=Max("weight", over=over + last("2d", edge="6h")),
        first=First("country", over=over),
        recent=LastK("points", k=3, over=over, where="amount_eur >= 10.05"),
        countries=Distinct("country", over=last(rows=3) + last("2d"), where="abroad"),
    )


ROWS_ALONE = FeatureView("rows_alone", of=movements, by=card, n=Sum("points", over=last(rows=3)))


class Life:
    """A lake and its online store, and all the rows that either was given."""

    def __init__(self, ctx: Context, store: OnlineStore, seed: int, *views: Any) -> None:
        self.ctx, self.views, self.chance = ctx, views, random.Random(seed)
        self.store = store
        self.in_table: dict[str, Fields] = {}
        self.pushed: dict[str, Fields] = {}
        self.number = 0
        self.now = NOON

    def rows(self, size: int, late: bool = True) -> list[Fields]:
        """New movements, some of which happened or were known some time ago or apart."""
        chance, made = self.chance, []
        for _ in range(size):
            self.now += chance.choice([0, 1, HOUR // 7, HOUR, 5 * HOUR])
            at = self.now - (chance.choice([0, 0, 0, HOUR, 30 * HOUR, 12 * DAY]) if late else 0)
            known = chance.choice([at, at, self.now, self.now + HOUR])
            fields: Fields = {
                "movement_id": f"m{chance.randrange(100):02}-{self.number}",
                "card": chance.choice("aab"),
                "amount_eur": chance.choice([None, Decimal(chance.randrange(-99, 9999)) / 100]),
                "points": chance.choice([None, chance.randrange(-20, 20)]),
                "weight": chance.choice([None, chance.uniform(-3, 3), 0.0]),
                "abroad": chance.choice([None, True, False]),
                "country": chance.choice([None, "DE", "FR", "a\x00b", ""]),
            }
            self.number += 1
            made.append(movement(at, max(known, at), **fields))
        return made

    def push(self, rows: list[Fields]) -> None:
        given = table_of(movements, rows).to_pylist()
        for view in self.views:
            assert push(self.store, view, given)
        self.pushed |= {row["movement_id"]: row for row in rows}

    def write(self, rows: list[Fields]) -> None:
        """Append rows to the table."""
        self.in_table |= {row["movement_id"]: row for row in rows}
        written(self.ctx, movements, table_of(movements, rows))

    def rewrite(self) -> None:
        """Correct some rows of the table and take some out of it, in files written anew."""
        for key in self.chance.sample(sorted(self.in_table), len(self.in_table) // 8):
            if self.chance.random() < 0.3:
                del self.in_table[key]
                self.pushed.pop(key, None)
                continue
            row = self.in_table[key] | {"points": self.chance.randrange(50, 60)}
            if self.chance.random() < 0.5:
                row |= {"happened_at": row["happened_at"] - HOUR, "_known_at": row["_known_at"] + 1}
            self.in_table[key] = row
        rows = table_of(movements, list(self.in_table.values()))
        written(self.ctx, movements, rows, "overwrite")

    def materialise(self, full: bool = False) -> None:
        for view in self.views:
            materialise(self.ctx, view, self.store, full=full)

    def check(self, moments: int = 12) -> int:
        """Compare values with the oracle's; returns how many were not empty."""
        rows = {**self.pushed, **self.in_table}
        facts = fields_of(table_of(movements, list(rows.values())))
        reader = FeatureReader(self.store, self.views)
        seen = 0
        for view in self.views:
            right = Expected.of(view, facts)
            stored = reader.stored(view)
            assert stored is not None
            first = max(stored.kept_from_us, NOON - DAY)
            for _ in range(moments):
                at = self.chance.randrange(first, max(self.now, first) + 2 * DAY)
                asked = {"card": self.chance.choice("abc"), "asked_at": at}
                found = reader.get(view, asked, at)
                for feature in view.features:
                    value, expected = found[feature.full_name], right.value(feature, asked)
                    tolerance = right.tolerance(feature, asked)
                    assert close(value, expected, 0.0) or close(value, expected, tolerance), (
                        feature.dotted,
                        moment(at).isoformat(),
                        asked["card"],
                        value,
                        expected,
                    )
                    seen += value not in (None, 0, [])
        return seen


@pytest.mark.parametrize("keep_us", [None, 5 * DAY])
@pytest.mark.parametrize("seed", range(4))
def test_every_step_gives_what_history_gives(
    context_of: MakeContext, store: OnlineStore, seed: int, keep_us: int | None
) -> None:
    delay = None if seed % 2 else "2h"
    views = (FEW, everything(delay), LATEST, of_any_age(delay), ROWS_ALONE)
    ctx = context_of(*views, keep_us=keep_us)
    life = Life(ctx, store, seed, *views)
    life.write(life.rows(30))
    life.materialise()
    seen = life.check()
    for _ in range(6):
        step = life.chance.choice(["push", "write", "both", "rewrite", "full", "backfill"])
        recent = life.rows(8, late=False)
        if step == "push":
            life.push(recent)
        elif step == "write":
            life.write(life.rows(12))
            life.materialise()
        elif step == "both":
            life.push(recent)
            life.write(recent[:5])
            life.materialise()
        elif step == "rewrite":
            life.rewrite()
            life.materialise()
        elif step == "full":
            life.push(recent)
            life.materialise(full=True)
        else:
            for view in views:
                backfill(ctx, view, moment(NOON), moment(NOON + 2 * DAY), life.store)
        seen += life.check()
    assert seen > 300


@pytest.mark.parametrize("full", [False, True])
def test_rows_of_any_age_are_kept_within_bounds(
    context_of: MakeContext, store: OnlineStore, full: bool
) -> None:
    view = of_any_age(None)
    ctx = context_of(view, keep_us=3 * DAY)
    life = Life(ctx, store, 3, view)
    for day in range(1, 20):
        at = NOON + day * DAY
        life.now = at
        life.write(
            [
                movement(at + n * HOUR, movement_id=f"{day} {n}", points=n, abroad=n > day % 4)
                for n in range(4)
            ]
        )
        if not full:
            life.materialise()
    life.materialise(full)
    stored = store.stored(view.name)
    assert stored is not None
    spans: list[Any] = [("event", BEGINNING, ENDING), ("tile", BEGINNING, ENDING)]
    key = EntityKeys.of_view(view).of({"card": "a"})
    assert key is not None
    ((chunks,),) = store.chunks([(stored, [(key, spans)])])
    assert isinstance(stored.layout, WindowLayout)
    widths = stored.layout.width, stored.layout.tile_width
    events, tiles = (
        sum(len(payload) for payload in of) // (8 * width)
        for of, width in zip(chunks, widths, strict=True)
    )
    # Of 76 events those of some days more than are asked for, and of 19 tiles a few with one of
    # all before them.
    assert (events, tiles) == ((22, 7) if full else (27, 8))
    assert life.check() > 20


def test_new_rows_alone_are_taken(context_of: MakeContext, store: OnlineStore) -> None:
    ctx = context_of(FEW)
    life = Life(ctx, store, 1, FEW)
    life.write(life.rows(60))
    assert materialise(ctx, FEW, life.store).taken == 60
    life.write(life.rows(3))
    done = materialise(ctx, FEW, life.store)
    assert (done.rows, done.taken, done.changed) == (63, 3, True)
    assert materialise(ctx, FEW, life.store).changed is False
    life.check()


def test_a_row_pushed_twice_or_pushed_and_delivered_counts_once(
    context_of: MakeContext, store: OnlineStore
) -> None:
    ctx = context_of(FEW, LATEST)
    life = Life(ctx, store, 2, FEW, LATEST)
    life.write([movement(NOON, movement_id="0")])
    life.materialise()
    row = movement(NOON + HOUR, movement_id="1", points=5)
    for _ in range(2):
        life.push([row])
    assert len(life.store.pushed("few")) == 1
    life.write([row])
    life.materialise()
    assert life.store.pushed("few") == life.store.pushed("latest") == []
    life.push([row])
    life.materialise(full=True)
    assert life.store.pushed("few") == []
    reader = FeatureReader(life.store, [FEW])
    assert reader.get(FEW, ("a",), NOON + 2 * HOUR) == {
        "few__n_3h": 2,
        "few__n_2d": 2,
        "few__spend_3h": 5,
        "few__spend_2d": 5,
    }


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "otherwise",
    [{"happened_at": NOON + 3 * HOUR}, {"card": "b"}, {"card": "c", "happened_at": NOON}],
)
def test_what_was_pushed_wrongly_is_put_right_by_the_table(
    context_of: MakeContext, store: OnlineStore, otherwise: Fields, full: bool
) -> None:
    views = (FEW, everything(None), LATEST)
    ctx = context_of(*views)
    life = Life(ctx, store, 9, *views)
    life.write([movement(NOON, movement_id="0"), movement(NOON, movement_id="b", card="b")])
    life.materialise()
    pushed = movement(NOON + HOUR, NOON + 4 * HOUR, movement_id="1", points=5)
    life.push([pushed, movement(NOON + HOUR, movement_id="2", card="b")])
    life.now += 5 * HOUR
    life.check()
    life.write([pushed | otherwise])
    life.materialise(full=full)
    life.check(60)
    assert {row.id for row in store.pushed("few")} == {number_of(RowKeys(FEW.of).joined(["2"]))}


def test_a_pushed_row_outlives_a_full_materialisation(
    context_of: MakeContext, store: OnlineStore
) -> None:
    ctx = context_of(FEW, LATEST)
    life = Life(ctx, store, 3, FEW, LATEST)
    life.write([movement(NOON, movement_id="0")])
    life.materialise()
    life.push([movement(NOON + HOUR, movement_id="1", points=5, country="FR")])
    life.materialise(full=True)
    life.check()
    assert len(life.store.pushed("few")) == 1


@pytest.mark.parametrize("delivered", [False, True])
def test_a_pushed_row_that_is_in_tiles_alone_by_now_counts_once(
    context_of: MakeContext, store: OnlineStore, delivered: bool
) -> None:
    view = everything(None)
    life = Life(context_of(view, keep_us=DAY), store, 6, view)
    life.write([movement(NOON, movement_id="0"), movement(NOON, movement_id="b", card="b")])
    life.materialise()
    pushed = [movement(NOON + n, movement_id=str(n), points=n) for n in (1, 2, 3)]
    life.push(pushed)
    life.now = NOON + 20 * DAY
    life.write([movement(life.now, movement_id="later", card="b")])
    life.materialise()
    life.check(40)
    if delivered:
        life.write(pushed[:2])
        life.materialise()
        life.check(40)
        assert len(store.pushed(view.name)) == 1
    for step in ("full", "rewrite", "backfill", "push", "full"):
        if step == "rewrite":
            rows = {**life.in_table, "0": movement(NOON, movement_id="0", points=77)}
            life.in_table = rows
            written(life.ctx, movements, table_of(movements, list(rows.values())), "overwrite")
        elif step == "push":
            life.push([movement(life.now + HOUR, movement_id="new")])
        elif step == "backfill":
            backfill(life.ctx, view, moment(NOON), moment(life.now), store)
        life.materialise(full=step == "full")
        life.check(40)
    life.now += 60 * DAY
    life.write([movement(life.now, movement_id="last")])
    life.materialise()
    life.check(40)
    assert store.pushed(view.name) == []


@pytest.mark.parametrize("step", ["full", "new rows", "corrections", "backfill"])
def test_what_is_pushed_while_a_view_is_materialised_stays(
    context_of: MakeContext, store: OnlineStore, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = (FEW, everything(None), LATEST)
    ctx = context_of(*views)
    life = Life(ctx, store, 8, *views)
    life.write(life.rows(40))
    life.materialise()
    before = {name: getattr(store, name) for name in ("change", "replace", "advance")}
    pushing: list[str] = []

    def pushes_first(name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if not pushing:
                pushing.append(name)
                life.push(life.rows(2, late=False))
                pushing.clear()
            return before[name](*given, **named)

        return call

    if step == "new rows":
        life.write(life.rows(5))
    elif step == "corrections":
        life.rewrite()
    with monkeypatch.context() as patched:
        for name in before:
            patched.setattr(store, name, pushes_first(name))
        if step == "backfill":
            for view in views:
                backfill(ctx, view, moment(NOON), moment(life.now), store)
        else:
            life.materialise(full=step == "full")
    assert len(life.pushed) >= 2 * 2 * len(views)
    life.check(40)
    life.materialise(full=True)
    life.check()


class Turn(Contract):
    """A turn of a gate, which nothing tells from another."""

    card: str
    turned_at: datetime = event_time()


@pytest.mark.parametrize("failing", ["change", "advance"])
def test_rows_without_a_key_count_once_whenever_materialising_ends(
    context_of: MakeContext, store: OnlineStore, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Curated(
        "turns",
        "SELECT card, happened_at AS turned_at FROM {movements}",
        inputs=(movements,),
        contract=Turn,
    )
    view = FeatureView("turned", of=turns, by=card, n=Count(over=last("1d")))
    ctx = context_of(view)
    rows = [{"card": "a", "turned_at": NOON + n // 3, "_known_at": NOON} for n in range(6)]
    written(ctx, turns, table_of(turns, rows))
    materialise(ctx, view, store)
    written(ctx, turns, table_of(turns, rows[:4]))
    whole = getattr(store, failing)

    def ended(*given: Any, **named: Any) -> None:
        if failing == "change":
            whole(*given, **named)
        raise InterruptedError

    with monkeypatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(store, failing, ended)
        materialise(ctx, view, store)
    done = materialise(ctx, view, store)
    assert (done.rows, done.version) == (10, 1)
    reader = FeatureReader(store, [view])
    assert reader.get(view, ("a",), NOON + HOUR) == {"turned__n_1d": 10}


def test_moments_that_are_not_kept_are_refused(context_of: MakeContext, store: OnlineStore) -> None:
    ctx = context_of(FEW, keep_us=DAY)
    life = Life(ctx, store, 4, FEW)
    life.write([movement(NOON - n * HOUR, movement_id=str(n)) for n in range(24 * 9)])
    life.materialise()
    online = FeatureReader(store, [FEW])
    assert online.get(FEW, ("a",), NOON - DAY)["few__n_2d"] == 48
    with pytest.raises(NotKept, match=r"keeps moments from 2024-03-14T12:00:00\+00:00 on, and was"):
        online.get(FEW, ("a",), NOON - DAY - 1)
    with pytest.raises(TooOld, match="happened before what the online store keeps"):
        life.push([movement(NOON - 9 * DAY, movement_id="old")])
    old = online.get(FEW, ("a",), NOON - DAY + 1)
    life.write([movement(NOON + 5 * DAY, movement_id="new", card="b")])
    life.materialise()
    assert old["few__n_2d"] == 48
    with pytest.raises(NotKept, match="keeps moments from 2024-03-19T12"):
        online.get(FEW, ("a",), NOON - DAY + 1)


@pytest.mark.parametrize("whole", [True, False])
def test_a_row_from_the_future_puts_no_moment_out_of_reach(
    context_of: MakeContext, store: OnlineStore, whole: bool
) -> None:
    ctx = context_of(FEW, LATEST, keep_us=DAY)
    life = Life(ctx, store, 4, FEW, LATEST)
    life.write([movement(NOON - n * HOUR, movement_id=str(n)) for n in range(24 * 4)])
    life.materialise()
    wall_us = microseconds(ctx.records.now())
    far = [movement(wall_us + n * 1000 * DAY, movement_id=f"far{n}") for n in (1, 2)]
    life.write(far)  # known when they happen
    life.write([movement(wall_us + DAY, NOON, movement_id="announced")])
    life.materialise(full=whole)
    online = FeatureReader(store, [FEW, LATEST])
    for view in (FEW, LATEST):
        stored = online.stored(view)
        assert stored is not None
        assert stored.kept_from_us == NOON - DAY
    assert online.get(FEW, ("a",), NOON - DAY)["few__n_2d"] == 48
    life.now = NOON
    life.check()


def test_the_store_holds_no_more_than_moments_need(
    context_of: MakeContext, store: OnlineStore
) -> None:
    views = (FEW, everything(None), LATEST)
    ctx = context_of(*views, keep_us=DAY)
    life = Life(ctx, store, 5, *views)
    sizes = []
    for part in range(4):
        first = NOON + part * 60 * DAY
        life.now = first
        hours = range(0, 60 * 24, 2)
        life.write([movement(first + n * HOUR, movement_id=f"{part}-{n}") for n in hours])
        life.materialise()
        sizes.append(bytes_in(store))
        life.now = first + 60 * DAY
        life.check(4)
    assert sizes[3] <= 1.2 * sizes[0]


def bytes_in(store: OnlineStore) -> int:
    """How much a store holds of all views' chunks."""
    if isinstance(store, SqliteStore):
        with store._file.writing() as db:
            (found,) = db.execute("SELECT sum(length(payload)) FROM chunks").fetchone()
            return int(found)
    assert isinstance(store, RedisStore)
    ask = store._connections.ask
    (names,) = ask(command(b"KEYS", b"*:c:*"), 1)
    return sum(
        len(chunk) for name in names for chunk in ask(command(b"ZRANGE", name, b"0", b"-1"), 1)[0]
    )


def test_a_key_too_large_for_exact_windows_is_refused(
    context_of: MakeContext, store: OnlineStore
) -> None:
    ctx = context_of(FEW)
    ctx = dataclasses.replace(ctx, online=dataclasses.replace(ctx.online, most_rows=20))
    life = Life(ctx, store, 6, FEW)
    life.write([movement(NOON - n, movement_id=str(n)) for n in range(30)])
    with pytest.raises(KeyTooLarge, match=r"1 of its entities \(card\) have more than 20 rows"):
        life.materialise()


def test_times_are_compared_to_the_microsecond(context_of: MakeContext, store: OnlineStore) -> None:
    ctx = context_of(FEW)
    life = Life(ctx, store, 7, FEW)
    life.write([movement(NOON, movement_id="0")])
    life.materialise()
    life.push([movement(NOON + 1, NOON + 3, movement_id="1")])
    reader = FeatureReader(life.store, [FEW])
    found = [reader.get(FEW, ("a",), NOON + n)["few__n_3h"] for n in range(5)]
    assert found == [0, 1, 1, 2, 2]
