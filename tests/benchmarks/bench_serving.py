"""The service over HTTP, beside `feast serve`: latency of one caller, and requests a second.

Run it with `python -m tests.benchmarks.bench_serving [--requests N] [--payments N]
[--without-feast]`. The lake is the payments use case at its own density: 350 payments a card and
175 a terminal over 183 days, the model 100 boosted trees on the handbook's fifteen inputs.
`features` asks for the 12 windowed features of one card and terminal at a moment, on SQLite and on
a Redis server of the benchmark's own, `predict` for a decision, with its line in the log. Feast
reads twelve stored values of the same keys from stores of its own, with its stock settings.

Callers keep their connection and ask again as soon as they are answered, one of them, and then
sixteen at once; they share the machine with the one worker of each service.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import uvloop
from deltalake import write_deltalake

from feature_repo.payments_fraud import domain
from lakehouse.context import Context
from lakehouse.declare.training import Model
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.materialise import materialise
from lakehouse.records import releases
from lakehouse.records.home import Home
from lakehouse.records.keys import make_key
from lakehouse.records.online import OnlineSettings
from lakehouse.records.releases import Release
from lakehouse.records.store import CodeVersion, Records
from lakehouse.training.onnx import to_onnx
from tests.benchmarks import feast_online
from tests.feast_server import feast_server, post
from tests.redis_server import redis_server

DAYS = 183
BEGIN = datetime(2018, 4, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
VIEWS = ["card_spend", "terminal_activity", "terminal_frauds"]


def make_lake(
    folder: Path, payments: int, redis_url: str, seed: int = 0
) -> tuple[dict[str, str], Home]:
    """Make tables, online stores, release and keys; returns the keys by role, and the lake."""
    home = Home.create(folder / "lake", "data")
    records = Records(home.records, lambda: datetime.now(UTC))
    ctx = Context(home, records, EmbeddedEngine(), domain, CodeVersion("bench"))
    random = np.random.default_rng(seed)
    at = BEGIN.timestamp() * 1e6 + np.sort(random.integers(0, DAYS * 86_400, payments)) * 1e6
    times = pa.array(at.astype("int64")).cast(TIME)
    cards = random.integers(0, cards_of(payments), payments)
    terminals = random.integers(0, 2 * cards_of(payments), payments)
    euros = [Decimal(int(cents)).scaleb(-2) for cents in random.integers(100, 20_000, payments)]
    columns = {
        "payment_id": [f"p{n}" for n in range(payments)],
        "card_id": [f"c{n}" for n in cards],
        "terminal_id": [f"t{n}" for n in terminals],
        "amount_eur": pa.array(euros, pa.decimal128(18, 2)),
        "paid_at": times,
        "_known_at": times,
    }
    table = pa.table(columns)
    write_deltalake(ctx.table("cleaned", "payments").address, table)
    frauds = table.take(random.choice(payments, payments // 100, replace=False))
    write_deltalake(
        ctx.table("curated", "reported_frauds").address, frauds.drop_columns(["amount_eur"])
    )
    on_redis = dataclasses.replace(ctx, online=OnlineSettings(redis_url))
    for view in domain.stored_views:
        materialise(ctx, view)
        materialise(on_redis, view)
    records.tick(domain.name, int(at[-1]))
    (model,) = domain.models
    write_release(home, model)
    return {role: make_key(records, role, "bench") for role in ("application", "scientist")}, home


def cards_of(payments: int) -> int:
    return max(1, payments // 350)


def write_release(home: Home, model: Model) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    inputs = [f.full_name for f in model.learns_from.features]
    random = np.random.default_rng(1)
    X = random.normal(size=(2_000, len(inputs))).astype(np.float32)
    y = X[:, 0] + X[:, 1] > random.normal(size=2_000)
    fitted = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=100, max_depth=4))
    onnx = to_onnx(fitted.fit(X, y), inputs)
    released = Release(domain.name, model.name, 1, model, tuple(inputs), onnx)
    releases.write(home, released)
    releases.point(home, domain.name, model.name, 1)


def bodies(payments: int, seed: int = 2) -> tuple[list[Any], list[Any]]:
    """Bodies for `features` and for `predict`, each of 1,000 cards, terminals and moments."""
    random = np.random.default_rng(seed)
    features, predict = [], []
    for n in range(1_000):
        keys = {
            "card_id": f"c{random.integers(0, cards_of(payments))}",
            "terminal_id": f"t{random.integers(0, 2 * cards_of(payments))}",
        }
        # Of the 30 days that online stores keep.
        moment = BEGIN + timedelta(days=DAYS - 28, seconds=int(random.integers(0, 28 * 86_400)))
        at = moment.isoformat().replace("+00:00", "Z")
        features.append({"views": VIEWS, "entities": [keys], "at": at})
        predict.append({"payment_id": f"r{n}", **keys, "amount_eur": "42.42", "paid_at": at})
    return features, predict


class Caller(asyncio.Protocol):
    """One connection in a closed loop: the next request goes out when an answer is complete."""

    def __init__(self, requests: Sequence[bytes], seconds: list[float]) -> None:
        self.requests = iter(requests)
        self.seconds = seconds
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        if not self.answer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self.answer.decode()))
            self.transport.close()
            return
        self.seconds.append(time.perf_counter() - self.began)
        self.answer = b""
        self.ask()


def wire(path: str, key: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def ask(port: int, requests: list[bytes], connections: int) -> tuple[list[float], float]:
    """Return the seconds of each answer, and of them all."""
    loop, seconds = asyncio.get_running_loop(), list[float]()
    shares = [requests[n::connections] for n in range(connections)]
    began = time.perf_counter()
    callers = [Caller(share, seconds) for share in shares]
    for caller in callers:
        await loop.create_connection(partial(_itself, caller), "127.0.0.1", port)
    await asyncio.gather(*(caller.done for caller in callers))
    return seconds, time.perf_counter() - began


def _itself(caller: Caller) -> Caller:
    return caller


def measure(name: str, port: int, requests: list[bytes], count: int) -> None:
    again = (requests * (count // len(requests) + 1))[:count]
    uvloop.run(ask(port, again[:200], 4))  # warms up
    seconds, _ = uvloop.run(ask(port, again, 1))
    p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
    busy, total = uvloop.run(ask(port, again, 16))
    b50, b99 = np.percentile(busy, [50, 99]) * 1e3
    print(
        f"{name:20} 1 connection: p50 {p50:.2f} ms, p99 {p99:.2f} ms; "
        f"16 connections: {len(busy) / total:,.0f} requests/s, p50 {b50:.1f} ms, p99 {b99:.1f} ms",
        flush=True,
    )


@contextmanager
def service(home: Home, online_url: str = "") -> Iterator[int]:
    """Run the service of a lake until the block ends; its port."""
    command = [sys.executable, "-m", "serving.server", "--home", str(home.path), "--port", "0"]
    environment = {**os.environ, "LAKEHOUSE_ONLINE_URL": online_url}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split("127.0.0.1:")[1].split()[0])
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def stored_values(home: Home, payments: int) -> dict[Any, pd.DataFrame]:
    """What the platform gives of every card and terminal at the end, by view."""
    views = [view for view in domain.stored_views if view.name in VIEWS]
    end_us = int((BEGIN + timedelta(days=DAYS)).timestamp() * 1e6)
    reader = FeatureReader(SqliteStore(home.online(domain.name), must_exist=True), views)
    found = {}
    for view in views:
        (key,) = view.by.keys
        size = cards_of(payments) * (1 if key == "card_id" else 2)
        keys = [{key: f"{key[0]}{n}"} for n in range(size)]
        found[view] = feast_online.values_of(reader, view, keys, end_us)
    reader.close()
    return found


def feast_bodies(features: Sequence[Mapping[str, Any]], views: Sequence[Any]) -> list[Any]:
    """What Feast's server is asked for the same keys."""
    names = feast_online.names(views)
    return [
        {"features": names, "entities": {k: [v] for k, v in body["entities"][0].items()}}
        for body in features
    ]


def check_there(address: str, body: Mapping[str, Any]) -> None:
    """Raise SystemExit unless Feast's server has a value of every feature."""
    results = post(f"{address}/get-online-features", body)["results"]
    if any(result["statuses"] != ["PRESENT"] for result in results):
        raise SystemExit(f"Feast lacks values: {results}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--without-feast", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as url:
        folder = Path(name)
        keys, home = make_lake(folder, given.payments, url)
        features, predict = bodies(given.payments)
        path = f"/v1/features/{domain.name}"
        asked = [wire(path, keys["scientist"], body) for body in features]
        for store, online_url in (("SQLite", ""), ("Redis", url)):
            with service(home, online_url) as port:
                measure(f"features, {store}", port, asked, given.requests)
                if not online_url:
                    path = f"/v1/predict/{domain.name}/fraud"
                    decisions = [wire(path, keys["application"], body) for body in predict]
                    measure(f"predict, {store}", port, decisions, given.requests)
        if given.without_feast:
            return
        values = stored_values(home, given.payments)
        of_feast = feast_bodies(features, list(values))
        asked = [wire("/get-online-features", "", body) for body in of_feast]
        for store, settings in feast_online.settings(folder, url).items():
            feast_online.feast_store(folder / store, settings, values)
            # A worker that ends after a thousand requests would break connections.
            with feast_server(
                folder / store, "serve", "--no-access-log", "--max-requests", "0"
            ) as (address, ready):
                ready("/health")
                check_there(address, of_feast[0])
                port = int(address.rpartition(":")[2])
                measure(f"feast serve, {store}", port, asked, given.requests // 5)


if __name__ == "__main__":
    main()
