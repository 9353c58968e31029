"""A path that holds again what it held once: the last delivery counts, from file to cleaned row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from lakehouse.context import Context
from lakehouse.declare import Cleaned, Contract, Domain, Raw, Source, column, key, known_at
from lakehouse.zones.balance import balance
from lakehouse.zones.cleaned import clean
from lakehouse.zones.raw import take_in


class Price(Contract):
    item: str = key()
    price: Decimal = column(scale=2)
    said_at: datetime = known_at()


def prices(make_context: Callable[..., Context], mode: str, *files: str) -> list[dict[str, object]]:
    """The cleaned rows after runs that each found the path with other content."""
    raw = Raw("prices_raw", Source("price_feed", Price, "prices.csv", mode=mode))
    table = Cleaned("prices", raw, on_conflict="latest")
    ctx = make_context(Domain("shop", description="test", tables=[table]))
    landing = ctx.home.landing("shop")
    landing.mkdir(parents=True)
    for content in files:
        (landing / "prices.csv").write_text("item,price,said_at\n" + content)
        take_in(ctx, raw)
        clean(ctx, table)
        assert balance(ctx, table).holds
    rows = ctx.engine.to_arrow(ctx.read(table)).to_pylist()
    return sorted(({"item": r["item"], "price": r["price"]} for r in rows), key=str)


def test_a_price_that_returns_is_the_price(make_context: Callable[..., Context]) -> None:
    five, four = "tea,5.00,2020-01-01\n", "tea,4.00,2020-01-01\n"
    assert prices(make_context, "append", five, four, five) == [
        {"item": "tea", "price": Decimal("5.00")}
    ]


@pytest.mark.parametrize("last", ["both", "tea"])
def test_a_state_that_returns_is_the_state(make_context: Callable[..., Context], last: str) -> None:
    tea, rum = "tea,5.00,2020-01-01\n", "rum,9.00,2020-01-01\n"
    states = [tea + rum, tea, tea + rum] + ([tea] if last == "tea" else [])
    items = [row["item"] for row in prices(make_context, "snapshot", *states)]
    assert items == (["tea"] if last == "tea" else ["rum", "tea"])
