"""The online store on SQLite and on Redis: filled, read and pushed to, beside Feast's own SDK.

`python -m tests.benchmarks.bench_online [--rows N] [--hot-rows N] [--rounds N] [--without-feast]
[--json]` makes payments of the shape of the handbook's (1.75 million of 5,000 cards at 10,000
terminals in 183 days), and 1.5 million of one card in 30 days. It starts a Redis server of its
own, without persistence, on the loopback address.

Read are twelve windowed features, six of a card and six of a terminal, at one moment, in process,
for keys drawn by chance; of the hot card six, whose windows have an edge of an hour. A push is
timed from the row until a read has given its value. Feast reads twelve stored values of the same
keys, with its stock settings: those of the moment at which they were written.

Each figure is the best of some rounds, in which the contestants take turns. `cpu` is the processor
time of this process, `server` that of Redis, both for one read.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lakehouse.context import Context
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import OnlineStore
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.materialise import materialise
from lakehouse.features.online.write.push import Pusher, TablePusher
from lakehouse.testing.conformance.world import movements
from tests.benchmarks.online_lake import (
    CARDS,
    HOT,
    HOT_ROWS,
    NOW,
    OF_HOT_CARDS,
    ROWS,
    SHOPS,
    VIEWS,
    Drawn,
    make_lake,
)
from tests.redis_server import ask, redis_server

HUNDRED, BATCH = 100, 2_000
UNKNOWN = {"card": "nobody", "shop": "nowhere"}
Figures = dict[str, dict[str, Any]]
"""By what was measured, the figure of each contestant."""


class Clock:
    """Times calls, and keeps the best of the rounds of each figure."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self.figures: Figures = {}

    def keep(self, what: str, who: str, figure: Any) -> None:
        self.figures.setdefault(what, {})[who] = figure

    def time(self, what: str, who: str, call: Callable[[Any], Any], asked: Sequence[Any]) -> None:
        """Microseconds of a call: p50, p99, and processor time here and at the server."""
        taken, times = [], len(asked)
        server, began = self._server_s(), time.process_time()
        for one in asked:
            start = time.perf_counter_ns()
            call(one)
            taken.append((time.perf_counter_ns() - start) / 1000)
        used, of_server = time.process_time() - began, self._server_s() - server
        taken.sort()
        figure = {
            "p50": round(taken[times // 2], 1),
            "p99": round(taken[times * 99 // 100], 1),
            "cpu": round(used / times * 1e6, 1),
            "server": round(of_server / times * 1e6, 1) if "Redis" in who else 0,
        }
        known = self.figures.get(what, {}).get(who)
        if known is None or figure["p50"] < known["p50"]:
            self.keep(what, who, figure)

    def _server_s(self) -> float:
        said = ask(self._url, b"INFO", b"cpu")
        assert isinstance(said, bytes)
        told = dict(line.split(":", 1) for line in said.decode().split() if ":" in line)
        names = ("used_cpu_user_main_thread", "used_cpu_sys_main_thread")
        return sum(float(told[name]) for name in names)


def fill(ctx: Context, stores: Mapping[str, OnlineStore], clock: Clock) -> None:
    """Materialise every view into each store."""
    for view in (*VIEWS, OF_HOT_CARDS):
        for who, store in stores.items():
            began = time.perf_counter()
            materialise(ctx, view, store)
            clock.keep(f"fill {view.name}, s", who, round(time.perf_counter() - began, 2))
    for who, store in stores.items():
        began = time.perf_counter()
        again = [materialise(ctx, view, store).changed for view in VIEWS]
        clock.keep("the same again, unchanged, s", who, round(time.perf_counter() - began, 3))
        assert again == [False, False]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    clock.keep("peak memory of this process, MiB", "", peak)


def read(readers: Mapping[str, FeatureReader], clock: Clock, drawn: Drawn, times: int) -> None:
    """One round of reads of each store in turn."""

    def one(reader: FeatureReader, asked: tuple[Mapping[str, str], int]) -> Any:
        key, at_us = asked
        return reader.get_views(VIEWS, [key], [at_us])

    def hundred(reader: FeatureReader, keys: Sequence[Mapping[str, str]]) -> Any:
        return reader.get_views(VIEWS, keys, [NOW] * HUNDRED)

    def of_hot(reader: FeatureReader, at_us: int) -> Any:
        return reader.get(OF_HOT_CARDS, {"card": HOT}, at_us)

    few, some = times // 20, times // 5
    reads: dict[str, tuple[Callable[[FeatureReader, Any], Any], list[Any]]] = {
        "12 features of 1": (one, [(drawn.key(), NOW) for _ in range(times)]),
        "12 features of 1, a past moment": (
            one,
            [(drawn.key(), drawn.past()) for _ in range(times)],
        ),
        "12 features of 1, unknown": (one, [(UNKNOWN, NOW)] * times),
        f"12 features of {HUNDRED}": (hundred, [drawn.keys(HUNDRED) for _ in range(few)]),
        "6 features of the hot card": (of_hot, [NOW - 1] * some),
        "6 features of the hot card, a past moment": (of_hot, [drawn.past() for _ in range(some)]),
    }
    for what, (call, asked) in reads.items():
        for who, reader in readers.items():
            clock.time(what, who, partial(call, reader), asked)


def push(stores: Mapping[str, OnlineStore], clock: Clock, times: int) -> None:
    """One round of pushes, each until its value was read."""
    for what, view, key in (
        ("push until read", VIEWS[0], None),
        ("push until read, the hot card", OF_HOT_CARDS, {"card": HOT, "shop": "S0000001"}),
    ):
        for who, store in stores.items():
            drawn, pusher = Drawn(len(clock.figures)), Pusher(store, view)
            reader = FeatureReader(store, [view])

            def visible(asked: tuple[Mapping[str, Any], int]) -> None:
                row, at_us = asked
                pusher.push([row])  # noqa: B023, called at once
                found = reader.get(view, row, at_us)  # noqa: B023
                assert found[f"{view.name}__n_30d"] > 0  # noqa: B023

            rows = [(drawn.payment(key or drawn.key()), drawn.now_us + 1) for _ in range(times)]
            clock.time(what, who, visible, rows)


def sustain(stores: Mapping[str, OnlineStore], clock: Clock, events: int) -> None:
    """Events a second, each into both views, two thousand at a time."""
    for who, store in stores.items():
        drawn = Drawn(99)
        pusher = TablePusher(store, movements, VIEWS)
        batches = [
            [drawn.payment(drawn.key()) for _ in range(BATCH)] for _ in range(events // BATCH)
        ]
        began, used = time.perf_counter(), time.process_time()
        for rows in batches:
            pusher.push(rows)
        took, used = time.perf_counter() - began, time.process_time() - used
        figure = {"events/s": round(events / took), "events/cpu s": round(events / used)}
        clock.keep(f"pushes of {BATCH}, into two views", who, figure)


def feast(reader: FeatureReader, folder: Path, redis_url: str, clock: Clock, times: int) -> None:
    """Feast's SDK on the values that the platform gives now."""
    from tests.benchmarks import feast_online

    values = {}
    for view, size, name, letter in (
        (VIEWS[0], CARDS, "card", "C"),
        (VIEWS[1], SHOPS, "shop", "S"),
    ):
        keys = [{name: f"{letter}{n:07}"} for n in range(size)]
        values[view] = feast_online.values_of(reader, view, keys, NOW)
    drawn, reads = Drawn(5), {}
    for name, settings in feast_online.settings(folder, redis_url).items():
        store = feast_online.feast_store(folder / name, settings, values)
        reads[f"Feast, {name}"] = feast_online.reader(store, VIEWS)
    for who, call in reads.items():
        answer = call([{"card": "C0000001", "shop": "S0000001"}])
        assert answer["card_spend__n_30d"] == [values[VIEWS[0]]["card_spend__n_30d"][1]], who
        for what, size, number in (
            ("12 features of 1", 1, times // 4),
            (f"12 features of {HUNDRED}", HUNDRED, times // 100),
        ):
            clock.time(what, who, call, [drawn.keys(size) for _ in range(number)])


def check(readers: Mapping[str, FeatureReader], drawn: Drawn) -> None:
    """All stores give the same values."""
    keys, moments = drawn.keys(300), [drawn.past() for _ in range(300)]
    for view in VIEWS:
        answers = [reader.get_many(view, keys, moments) for reader in readers.values()]
        assert all(answer == answers[0] for answer in answers), view.name
    for at_us in moments[:20]:
        hot = [reader.get(OF_HOT_CARDS, (HOT,), at_us) for reader in readers.values()]
        assert all(answer == hot[0] for answer in hot), at_us


def run(options: argparse.Namespace, folder: Path, redis_url: str) -> Figures:
    """All figures, by what was measured."""
    ctx = make_lake(folder, options.rows, options.hot_rows)
    path = ctx.home.online("bench")
    stores: dict[str, OnlineStore] = {
        "SQLite": SqliteStore(path),
        "Redis": RedisStore(redis_url, "bench"),
    }
    clock = Clock(redis_url)
    fill(ctx, stores, clock)
    clock.keep("size, MB", "SQLite", round(path.stat().st_size / 1e6, 1))
    said = ask(redis_url, b"INFO", b"memory")
    assert isinstance(said, bytes)
    told = dict(line.split(":", 1) for line in said.decode().split() if ":" in line)
    clock.keep("size, MB", "Redis", round(int(told["used_memory"]) / 1e6, 1))
    readers = {who: FeatureReader(store, (*VIEWS, OF_HOT_CARDS)) for who, store in stores.items()}
    check(readers, Drawn(1))
    for number in range(options.rounds):
        read(readers, clock, Drawn(number), options.times)
    if not options.without_feast:
        for number in range(options.rounds):
            feast(readers["SQLite"], folder / f"feast {number}", redis_url, clock, options.times)
    for _ in range(options.rounds):
        push(stores, clock, options.times // 5)
    sustain(stores, clock, options.events)
    for store in stores.values():
        store.close()
    return clock.figures


def show(figures: Figures) -> None:
    """Print the figures side by side."""
    who = ("SQLite", "Redis", "Feast, SQLite", "Feast, Redis")
    print("Times are microseconds: p50 / p99 / cpu / server.")
    print(f"{'':44}" + "".join(f"{name:>36}" for name in who))
    for what, by in figures.items():
        cells = [by.get(name, "") for name in who] if "" not in by else [by[""]]
        print(f"{what:44}" + "".join(f"{_cell(cell):>36}" for cell in cells))


def _cell(figure: Any) -> str:
    if not isinstance(figure, dict):
        return str(figure)
    if "p50" in figure:
        return " / ".join(f"{value:,}" for value in figure.values() if value)
    return ", ".join(f"{value:,} {name}" for name, value in figure.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--hot-rows", type=int, default=HOT_ROWS)
    parser.add_argument("--times", type=int, default=4000, help="reads of one entity in a round")
    parser.add_argument("--events", type=int, default=50_000, help="events pushed in large pushes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-feast", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is not on the PATH; install it first.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder) as redis_url:
            figures = run(options, folder, redis_url)
    if options.json:
        print(json.dumps(figures))
        return
    show(figures)
    print("redis-server --save '' --appendonly no; Feast: get_online_features(...).to_dict()")


if __name__ == "__main__":
    main()
