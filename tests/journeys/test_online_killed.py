"""kill -9 while rows are pushed and views materialised: nothing is lost, nothing counts twice.

With more kills than the suite takes time for:

    python -m tests.journeys.test_online_killed 50
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from lakehouse.context import Context
from lakehouse.declare import Count, Domain, FeatureView, Last, LatestView, Std, Sum, last
from lakehouse.declare.durations import DAY, HOUR, MINUTE
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.materialise import materialise
from lakehouse.features.online.write.push import Pusher
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
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
from tests.killed_processes import begun, kill

KILLS = 8
CARDS = "abcdefgh"
SAID = ("begin", "done")
BOTH = last("1h", "2d") + last("60d", edge="6h")
VIEWS = (
    FeatureView(
        "spend",
        of=movements,
        by=card,
        n=Count(over=BOTH),
        abroad=Count(over=BOTH, where="abroad"),
        spend=Sum("amount_eur", over=BOTH),
        spread=Std("amount_eur", over=BOTH),
        country=Last("country", over=BOTH),
    ),
    LatestView("latest", of=movements, by=card, columns=("points", "country")),
)


def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    check(tmp_path, KILLS)


def check(folder: Path, kills: int) -> int:
    """Kill a process so often, mend what it did, and compare; returns how many rows there were."""
    draw = random.Random(17)
    begin(folder)
    ctx = open_context(folder)
    store = SqliteStore(ctx.home.online("cards"))
    killed = 0
    for turn in range(kills):
        child = begun(work, str(folder), turn, sign=folder / f"begun-{turn}")
        killed += kill(child, after=draw.uniform(0.02, 0.6))
        push_again(store, announced(folder), turn)
    assert killed >= kills * 3 // 4, "the process ended before it could be killed"
    rows = {row["movement_id"]: row for _, turn, n in announced(folder) for row in made(turn, n)}
    compare(store, list(rows.values()))
    for view in VIEWS:
        materialise(ctx, view, store)
    compare(store, list(rows.values()))
    for view in VIEWS:
        materialise(ctx, view, store, full=True)
    compare(store, list(rows.values()))
    store.close()
    return len(rows)


def announced(folder: Path) -> list[tuple[str, int, int]]:
    """What workers said before they were killed: that a push begins, or is done."""
    lines = (folder / "told.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("]")]


def push_again(store: SqliteStore, said: Sequence[tuple[str, int, int]], turn: int) -> None:
    """What was in flight may be there or not: whoever pushes it pushes it again."""
    begun, done = ({n for what, t, n in said if (what, t) == (word, turn)} for word in SAID)
    for n in sorted(begun - done):
        given = table_of(movements, made(turn, n)).to_pylist()
        for view in VIEWS:
            Pusher(store, view).push(given)


def work(folder: str, turn: int) -> None:
    """Push rows, write some of them to the table, and materialise, until killed."""
    ctx = open_context(Path(folder))
    store = SqliteStore(ctx.home.online("cards"))
    pushers = [Pusher(store, view) for view in VIEWS]
    (Path(folder) / f"begun-{turn}").touch()
    with (Path(folder) / "told.jsonl").open("a") as log:
        for n in count():
            rows = made(turn, n)
            say(log, "begin", turn, n)
            given = table_of(movements, rows)
            for pusher in pushers:
                pusher.push(given.to_pylist())
            say(log, "done", turn, n)
            if n % 3 == 2:
                write(ctx, rows, f"{turn}-{n}")
                for view in VIEWS:
                    materialise(ctx, view, store, full=n % 9 == 8)


def say(log: TextIO, *what: Any) -> None:
    """Write a line; one that a kill cuts short is as if it had not been said."""
    log.write(f"\n{json.dumps(what)}")
    log.flush()


def made(turn: int, n: int) -> list[Fields]:
    """The rows that a turn makes, the same whenever asked."""
    chance = random.Random(f"{turn} {n}")
    rows = []
    for place in range(3):
        at = NOON + (turn * 1000 + n) * MINUTE + chance.randrange(HOUR)
        rows.append(
            movement(
                at,
                at + chance.choice([0, 0, HOUR]),
                movement_id=f"{turn}-{n}-{place}",
                card=chance.choice(CARDS),
                amount_eur=Decimal(chance.randrange(9999)) / 100,
                points=chance.randrange(99),
                abroad=chance.choice([None, True, False]),
                country=chance.choice(["DE", "FR", None]),
            )
        )
    return rows


def begin(folder: Path) -> None:
    ctx = open_context(folder)
    write(ctx, [movement(NOON, movement_id="first", card="z")], "first")
    for view in VIEWS:
        materialise(ctx, view)
    (folder / "told.jsonl").touch()


def write(ctx: Context, rows: Sequence[Fields], name: str) -> None:
    frame = ctx.engine.from_arrow(table_of(movements, rows))
    path = ctx.table_of(movements)
    ctx.engine.write(path, frame, "append", Transaction(name, 1))


def open_context(folder: Path) -> Context:
    home = Home.create(folder / "lake")
    records = Records(home.records, lambda: datetime(2024, 4, 1, tzinfo=UTC))
    domain = Domain("cards", description="Movements of cards.", views=VIEWS)
    return Context(home, records, EmbeddedEngine(), domain, CodeVersion("test"))


def compare(store: SqliteStore, rows: Sequence[Fields]) -> None:
    """Raise AssertionError unless the store gives what the oracle gives of these rows."""
    facts = fields_of(table_of(movements, list(rows)))
    newest = max(row["happened_at"] for row in facts)
    reader = FeatureReader(store, VIEWS)
    for view in VIEWS:
        right = Expected.of(view, facts)
        for entity in CARDS:
            for at in (newest - DAY, newest - HOUR, newest + 1, newest + 2 * HOUR):
                asked: dict[str, Any] = {"card": entity, "asked_at": at}
                found = reader.get(view, asked, at)
                for feature in view.features:
                    expected, value = right.value(feature, asked), found[feature.full_name]
                    near = close(value, expected, right.tolerance(feature, asked))
                    assert near, (feature.dotted, entity, at, value, expected)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        kills = int(sys.argv[1])
        print(f"{kills} kills, {check(Path(folder), kills)} rows: equal to the oracle")
