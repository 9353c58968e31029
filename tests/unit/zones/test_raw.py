"""Deliveries become raw rows: exactly as delivered, exactly once."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.context import Context
from lakehouse.declare import (
    Cleaned,
    Contract,
    Domain,
    Raw,
    Source,
    column,
    event_time,
    key,
)
from lakehouse.errors import LakehouseError
from lakehouse.zones.raw import TakenIn, take_in


class Payment(Contract):
    payment_id: str = key()
    amount: Decimal = column(scale=2)
    note: str | None
    paid_at: datetime = event_time(known=True)


class Stock(Contract):
    item: str = key()
    count: int


HEADER = "payment_id,amount,note,paid_at\n"
NUMBERS = itertools.count()
"""Of lakes, where a test makes many."""
FEBRUARY = datetime(2013, 2, 1, tzinfo=UTC)


@dataclass
class Shop:
    """A lake with one source, and short ways to deliver, take in and look."""

    ctx: Context
    raw: Raw
    reopen: Callable[[], Context]

    @property
    def landing(self) -> Path:
        return self.ctx.home.landing(self.ctx.domain.name)

    def deliver(self, path: str, content: str | bytes) -> Path:
        file = self.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def take(self) -> TakenIn:
        return take_in(self.ctx, self.raw)

    def rows(self, *columns: str) -> list[Any]:
        """Rows as tuples of the columns, ordered by batch, position in it, and row."""
        position = {d["delivery"]: d["position"] for d in self.deliveries()}
        table = self.ctx.engine.to_arrow(self.ctx.read(self.raw)).to_pylist()
        table.sort(key=lambda r: (r["_batch"], position[r["_delivery"]], r["_row"]))
        return [tuple(row[c] for c in columns) for row in table]

    def deliveries(self) -> list[dict[str, Any]]:
        return self.ctx.records.select("SELECT * FROM deliveries ORDER BY path, rowid")


Open = Callable[..., Shop]


@pytest.fixture
def open_shop(make_context: Callable[..., Context]) -> Open:
    def open_(path: str = "payments/*", contract: type[Contract] = Payment, **options: Any) -> Shop:
        raw = Raw("feed_raw", Source("feed", contract, path=path, **options))
        domain = Domain("shop", description="test", tables=[Cleaned("feed", raw)])
        return Shop(make_context(domain), raw, lambda: make_context(domain))

    return open_


@pytest.fixture
def shop(open_shop: Open) -> Shop:
    return open_shop()


def test_a_file_is_taken_in_as_text_with_its_provenance(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,10.50,tea,2013-02-01T06:30:00Z\n")
    taken = shop.take()
    table = shop.ctx.engine.to_arrow(shop.ctx.read(shop.raw))
    row = table.to_pylist()[0]
    assert (taken.deliveries, taken.rows, taken.version, taken.batch) == (1, 1, 0, 1)
    assert [f"{f.name} {f.type}" for f in table.schema] == [
        "payment_id string",
        "amount string",
        "note string",
        "paid_at string",
        "_unparsed string",
        "_delivery string",
        "_row int64",
        "_batch int64",
        "_arrived_at timestamp[us, tz=UTC]",
        "_known_at timestamp[us, tz=UTC]",
    ]
    assert row == {
        "payment_id": "1",
        "amount": "10.50",
        "note": "tea",
        "paid_at": "2013-02-01T06:30:00Z",
        "_unparsed": None,
        "_delivery": shop.deliveries()[0]["delivery"],
        "_row": 1,
        "_batch": 1,
        "_arrived_at": shop.ctx.records.now(),
        "_known_at": datetime(2013, 2, 1, 6, 30, tzinfo=UTC),
    }


def test_the_same_file_twice_is_taken_in_once(shop: Shop) -> None:
    file = shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    again = shop.take()
    os.utime(file, (1, 1))  # the same content written anew
    touched = shop.take()
    for taken in (again, touched):
        assert (taken.deliveries, taken.rows, taken.version, taken.batch) == (0, 0, 0, None)
    assert len(shop.rows("_row")) == 1
    assert len(shop.deliveries()) == 1


def test_a_known_path_with_new_content_is_a_new_delivery(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    shop.deliver("payments/a.csv", HEADER + "1,2,,x\n")
    assert shop.take().batch == 2
    assert shop.rows("amount", "_batch") == [("1", 1), ("2", 2)]


def test_a_path_that_holds_again_what_it_held_once_is_delivered_again(shop: Shop) -> None:
    for amount in ("5", "4", "5", "5", "4"):
        file = shop.deliver("payments/a.csv", HEADER + f"1,{amount},,x\n")
        os.utime(file, (int(amount), int(amount)))  # written when it was written before
        shop.take()
    assert shop.rows("amount", "_batch") == [("5", 1), ("4", 2), ("5", 3), ("4", 4)]
    assert shop.take() == TakenIn(0, 0, (), 3, None)
    assert len({d["delivery"] for d in shop.deliveries()}) == 4


@given(st.lists(st.sampled_from("ABX"), min_size=1, max_size=12), st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_taken_in_from_a_path_is_each_content_that_differs_from_the_one_before(
    make_context: Callable[..., Context], contents: list[str], data: st.DataObject
) -> None:
    """X cannot be taken in; runs come after any delivery, and see what lies there then."""
    raw = Raw("feed_raw", Source("feed", Payment, path="payments/*"))
    domain = Domain(f"shop{next(NUMBERS)}", description="test", tables=[Cleaned("feed", raw)])
    shop = Shop(make_context(domain), raw, lambda: make_context(domain))
    expected: list[str] = []
    for number, content in enumerate(contents):
        text = "nothing\n" if content == "X" else HEADER + f"{content},1,,x\n"
        file = shop.deliver("payments/a.csv", text)
        if data.draw(st.booleans(), label="an old time"):
            os.utime(file, (ord(content), ord(content)))
        else:
            os.utime(file, (1000 + number, 1000 + number))
        if number + 1 == len(contents) or data.draw(st.booleans(), label="a run"):
            shop.take()
            if content != "X" and content != (expected or [None])[-1]:
                expected.append(content)
    taken_in = [key for (key,) in shop.rows("payment_id")] if expected else []
    assert taken_in == expected


def test_equal_content_at_two_paths_is_two_deliveries(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.deliver("payments/b.csv", HEADER + "1,1,,x\n")
    assert shop.take().deliveries == 2
    assert len({d for (d,) in shop.rows("_delivery")}) == 2


def test_a_run_without_news_makes_no_commit_and_leaves_no_record(shop: Shop) -> None:
    assert shop.take() == TakenIn(0, 0, (), None, None)
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    before = shop.ctx.records.select("SELECT * FROM runs")
    shop.take()
    assert shop.ctx.records.select("SELECT * FROM runs") == before
    assert [run["status"] for run in before] == ["done"]


def test_an_empty_file_is_a_delivery_of_no_rows(shop: Shop) -> None:
    shop.deliver("payments/a.csv", "")
    shop.deliver("payments/b.csv", HEADER)
    shop.deliver("payments/c.jsonl", "\n\n")
    shop.deliver("payments/d.csv.gz", gzip.compress(b""))
    taken = shop.take()
    assert (taken.deliveries, taken.rows, taken.set_aside, taken.version) == (4, 0, (), 0)
    assert [d["rows"] for d in shop.deliveries()] == [0, 0, 0, 0]


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "unreadable": ("b.parquet", b"PAR1", "the file cannot be read"),
    "another schema": (
        "b.csv",
        b"id;amount;paid_at\n1;2;x\n",
        "columns 'payment_id', 'amount', 'paid_at' of contract Payment are missing; the file has "
        "'id_amount_paid_at'",
    ),
    "another schema in JSON": (
        "b.jsonl",
        b'{"payment_id": 1, "amount": 2}\n',
        "column 'paid_at' of contract Payment is missing; the file has 'payment_id', 'amount'",
    ),
    "no JSON at all": ("b.jsonl", b"payment_id\n1\n", "no line of the file could be read"),
    "an unknown ending": ("b.xlsx", b"PK", "its ending is none of .csv, .jsonl, .parquet"),
}


@pytest.mark.parametrize(("name", "content", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_set_aside_with_its_reason_and_others_go_on(
    shop: Shop, name: str, content: bytes, reason: str
) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.deliver(f"payments/{name}", content)
    shop.deliver("payments/c.csv", HEADER + "3,3,,x\n")
    taken = shop.take()
    assert (taken.deliveries, taken.rows) == (2, 2)
    assert [path for path, _ in taken.set_aside] == [f"payments/{name}"]
    assert reason in taken.set_aside[0][1]
    assert shop.rows("payment_id") == [("1",), ("3",)]
    aside = [d for d in shop.deliveries() if d["batch"] is None]
    assert [d["path"] for d in aside] == [f"payments/{name}"]
    assert reason in aside[0]["error"]


def test_a_bad_file_is_tried_again_when_its_content_changes(shop: Shop) -> None:
    shop.deliver("payments/a.csv", "payment_id\n1\n")
    assert len(shop.take().set_aside) == 1
    assert shop.take() == TakenIn(0, 0, (), None, None)
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    assert (shop.take().deliveries, shop.take().deliveries) == (1, 0)


def test_a_file_set_aside_is_tried_again_when_the_source_is_mended(open_shop: Open) -> None:
    class Lenient(Contract):
        payment_id: str = key()
        amount: Decimal | None = column(scale=2)
        paid_at: datetime = event_time(known=True)

    strict = open_shop()
    strict.deliver("payments/a.csv", "payment_id,paid_at\n1,x\n")
    assert len(strict.take().set_aside) == 1
    mended = open_shop(contract=Lenient)
    assert mended.take().deliveries == 1
    assert mended.rows("payment_id", "amount") == [("1", None)]


def test_a_further_column_widens_the_table(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    shop.deliver("payments/b.csv", "Channel,PAYMENT_ID,amount,note,paid_at\nweb,2,2,,x\n")
    shop.deliver("payments/c.jsonl", '{"payment_id":3,"amount":3,"paid_at":"x","channel":"app"}\n')
    shop.take()
    shop.deliver("payments/d.csv", HEADER + "4,4,,x\n")
    assert shop.take().version == 2
    assert shop.rows("payment_id", "channel") == [
        ("1", None),
        ("2", "web"),
        ("3", "app"),
        ("4", None),
    ]


def test_columns_of_a_refused_file_do_not_widen_the_table(open_shop: Open) -> None:
    shop = open_shop(on_new_column="refuse")
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.deliver("payments/b.csv", "channel," + HEADER + "web,2,2,,x\n")
    taken = shop.take()
    assert taken.set_aside == (
        (
            "payments/b.csv",
            "contract Payment has no column 'channel', and source 'feed' refuses new columns",
        ),
    )
    assert "channel" not in shop.ctx.engine.columns(shop.ctx.read(shop.raw))


def test_a_missing_column_follows_the_policy_of_the_source(open_shop: Open) -> None:
    lenient = open_shop()
    lenient.deliver("payments/a.csv", "payment_id,amount,paid_at\n1,1,x\n")
    assert lenient.take().set_aside == ()
    assert lenient.rows("note") == [(None,)]
    strict = open_shop(on_missing_column="refuse")
    strict.deliver("payments/b.csv", "payment_id,amount,paid_at\n2,2,x\n")
    assert "column 'note' of contract Payment is missing" in strict.take().set_aside[0][1]


def test_the_known_time_comes_from_the_column_or_from_the_name(open_shop: Open) -> None:
    shop = open_shop("stock/{delivered_at}.csv", Stock)
    shop.deliver("stock/2013-02-01T06-30-00.csv", "item,count\na,1\n")
    shop.deliver("stock/2013-02-01.csv", "item,count\na,2\n")
    shop.deliver("stock/2013-02-01T06.csv.gz", gzip.compress(b"item,count\na,3\n"))
    shop.deliver("stock/february.csv", "item,count\na,4\n")
    taken = shop.take()
    assert shop.rows("count", "_known_at") == [
        ("2", FEBRUARY),
        ("3", FEBRUARY.replace(hour=6)),
        ("1", FEBRUARY.replace(hour=6, minute=30)),
    ]
    assert taken.set_aside[0][0] == "stock/february.csv"
    assert "'february' where the source expects {delivered_at}" in taken.set_aside[0][1]


def test_a_known_time_that_does_not_parse_is_null(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,yesterday\n2,2,,2013-02-01T00:00:00Z\nbroken\n")
    shop.take()
    assert shop.rows("_known_at") == [(None,), (FEBRUARY,), (None,)]


def test_files_still_being_written_are_left_alone(shop: Shop) -> None:
    for name in (".a.csv", "a.csv.part", "a.csv.tmp", ".hidden/a.csv"):
        shop.deliver(f"payments/{name}", "x")
    shop.deliver("other/a.csv", "x")
    assert shop.take() == TakenIn(0, 0, (), None, None)
    assert shop.deliveries() == []


def test_deliveries_stand_in_the_order_of_declared_time_then_path(open_shop: Open) -> None:
    shop = open_shop("stock/*/{delivered_at}.csv", Stock)
    shop.deliver("stock/b/2013-02-02.csv", "item,count\na,1\n")
    shop.deliver("stock/b/20130201.csv", "item,count\na,2\n")
    shop.deliver("stock/a/2013-02-02.csv", "item,count\na,3\n")
    shop.take()
    assert shop.rows("count") == [("2",), ("3",), ("1",)]


class Crash(Exception):
    """The process ends here."""


def _crash_at_write(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, after_the_commit: bool = False
) -> None:
    write = shop.ctx.engine.write

    def crashing(*arguments: Any, **named: Any) -> int:
        if after_the_commit:
            write(*arguments, **named)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(shop.ctx.engine, "write", crashing)
        with pytest.raises(Crash):
            shop.take()


def test_a_crash_before_the_commit_repeats_the_same_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver("payments/b.csv", HEADER + "2,2,,x\n")
    shop.deliver("payments/bad.csv", "nothing\n")
    _crash_at_write(shop, monkeypatch)
    planned = shop.deliveries()
    assert not shop.ctx.table("raw", "feed_raw").exists()
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.ctx = shop.reopen()
    taken = shop.take()
    assert (taken.deliveries, taken.rows, taken.batch, taken.version) == (2, 2, 2, 1)
    assert shop.rows("payment_id", "_batch") == [("2", 1), ("1", 2)]
    assert [d for d in shop.deliveries() if d["path"] != "payments/a.csv"] == planned


def test_a_crash_after_the_commit_repeats_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    _crash_at_write(shop, monkeypatch, after_the_commit=True)
    assert shop.take() == TakenIn(0, 0, (), 0, None)
    assert shop.rows("payment_id") == [("1",)]
    written = shop.ctx.records.select("SELECT table_id, version FROM table_versions")
    assert written == [{"table_id": "raw/shop/feed_raw", "version": 0}]


def test_a_planned_file_that_changed_before_its_commit_is_another_delivery(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    gone = shop.deliver("payments/b.csv", HEADER + "2,2,,x\n")
    _crash_at_write(shop, monkeypatch)
    shop.deliver("payments/a.csv", HEADER + "1,99,,x\n")
    gone.unlink()
    taken = shop.take()
    why = "it was changed or removed before it could be taken in"
    assert taken.set_aside == (("payments/a.csv", why), ("payments/b.csv", why))
    assert shop.rows("amount", "_batch") == [("99", 1)]
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")  # what was planned is there after all
    shop.deliver("payments/b.csv", HEADER + "2,2,,x\n")
    assert shop.take().deliveries == 2


def test_records_lost_in_a_crash_are_written_again_from_the_commits(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    shop.deliver("payments/b.csv", HEADER + "2,2,,x\n")
    shop.take()
    before = shop.deliveries()
    with shop.ctx.records.connection() as db:
        db.execute("DELETE FROM deliveries")
    assert shop.take().batch is None
    assert shop.deliveries() == before
    assert len(shop.rows("_row")) == 2


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    land = shop.ctx.engine.land

    def landing_while_it_grows(*arguments: Any) -> Any:
        landed = land(*arguments)
        with growing.open("a") as file:
            file.write("2,2,,x\n")
        return landed

    with monkeypatch.context() as patch:
        patch.setattr(shop.ctx.engine, "land", landing_while_it_grows)
        taken = shop.take()
    assert taken.deliveries == 0
    assert "changed while it was read" in taken.set_aside[0][1]
    assert shop.take().rows == 2


def test_a_batch_names_its_deliveries_in_the_commit(shop: Shop) -> None:
    shop.deliver("payments/a.csv", HEADER + "1,1,,x\n")
    shop.take()
    log = shop.ctx.table("raw", "feed_raw").folder / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    transaction = next(a["txn"] for a in actions if "txn" in a)
    metadata = next(a["commitInfo"] for a in actions if "commitInfo" in a)
    assert (transaction["appId"], transaction["version"]) == ("raw/shop/feed_raw", 1)
    assert json.loads(metadata["deliveries"])[0]["path"] == "payments/a.csv"


def test_nothing_is_written_through_a_pinned_context(shop: Shop) -> None:
    pinned = Context(
        *(shop.ctx.home, shop.ctx.records, shop.ctx.engine, shop.ctx.domain, shop.ctx.code), {}
    )
    with pytest.raises(LakehouseError, match="as of the past"):
        take_in(pinned, shop.raw)
