"""Wrong declarations, each with all that it is answered: what is wrong, where, what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Curated,
    Distinct,
    Distributed,
    Domain,
    Entity,
    Evaluation,
    FeatureView,
    First,
    Gate,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Mode,
    Model,
    Quantile,
    Raw,
    RequestView,
    Rule,
    Share,
    Source,
    Std,
    Sum,
    TrainingSet,
    Trend,
    at_least,
    at_most,
    beats,
    column,
    event_time,
    ever,
    key,
    known_at,
    last,
)
from lakehouse.declare.features import Aggregate
from lakehouse.errors import DeclarationError


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    shop_id: int
    amount_eur: Decimal = column(scale=2)
    country: str | None
    paid_at: datetime = event_time(known=True)


class LabelledPayment(Payment):
    is_fraud: bool
    loss_eur: Decimal | None = column(scale=2)


class Shop(Contract):
    shop_id: int = key()
    name: str
    registered_at: datetime = known_at()


class Wish(Contract):
    """Nothing identifies it, nothing says when."""

    wish: str


payment_feed = Source("payment_feed", Payment, "payments/*.csv")
payments = Cleaned("payments", Raw("payments_raw", payment_feed))
shops = Cleaned("shops", Raw("shops_raw", Source("shop_feed", Shop, "shops/*.csv")))
shop_versions = Cleaned(
    "shop_versions",
    Raw("shop_versions_raw", Source("shop_version_feed", Payment, "versions/*.csv")),
    on_conflict="history",
)
labelled = Curated(
    "labelled", "SELECT * FROM {payments}", inputs=(payments,), contract=LabelledPayment
)
wishes = Cleaned(
    "wishes", Raw("wishes_raw", Source("wish_feed", Wish, "wishes/{delivered_at}.csv"))
)
card = Entity("card", key="card_id")
card_spend = FeatureView(
    "card_spend",
    of=payments,
    by=card,
    payments=Count(over=last("1d", "7d")),
    spend=Sum("amount_eur", over=last("1d", "7d")),
)
recent = FeatureView(
    "recent",
    of=payments,
    by=card,
    shops=LastK("shop_id", k=3, over=last("1d", "7d")),
    shop=Last("shop_id", over=last("1d")),
)
at_payment = RequestView(
    "at_payment", request=Payment, uses=(card_spend,), night="hour(paid_at) <= 6"
)
fraud_training = TrainingSet(
    "fraud_training",
    label=labelled["is_fraud"],
    request=Payment,
    features=(at_payment,),
    train_last="28d",
    test_last="7d",
)


def fit(X: Any, y: Any) -> Any:
    raise AssertionError("declaring a model fits nothing")


def contract(name: str = "Payment", **columns: Any) -> type[Contract]:
    """Declare a contract of `column=type` or `column=(type, right-hand side)`."""
    types = {n: c[0] if isinstance(c, tuple) else c for n, c in columns.items()}
    assigned = {n: c[1] for n, c in columns.items() if isinstance(c, tuple)}
    return type(name, (Contract,), {"__annotations__": types, **assigned})


def amount(kind: Any, declared: Any = None) -> Callable[[], Any]:
    return lambda: contract(amount=kind if declared is None else (kind, declared))


class Reading(Contract):
    meter: str
    level: float
    read_at: datetime = event_time(known=True)


readings = Cleaned("readings", Raw("readings_raw", Source("reading_feed", Reading, "r/*.csv")))
meter = Entity("meter", key="meter")


def view(**aggregates: Any) -> Any:
    return FeatureView("card_spend", of=payments, by=card, **aggregates)


def latest(**changes: Any) -> Any:
    columns = ("amount_eur", "country")
    return LatestView("last_payment", of=payments, by=card, columns=columns, **changes)


def night(expression: Any) -> Callable[[], Any]:
    return lambda: RequestView("at_payment", request=Payment, uses=(card_spend,), night=expression)


def fit_within() -> Any:
    def inner(X: Any, y: Any) -> Any:
        raise AssertionError("declaring a model fits nothing")

    return inner


def training(**changes: Any) -> Any:
    said = {
        "label": labelled["is_fraud"],
        "request": Payment,
        "features": (card_spend,),
        "train_last": "28d",
        "test_last": "7d",
    }
    return TrainingSet("fraud_training", **{**said, **changes})


def model(**changes: Any) -> Any:
    said: dict[str, Any] = {"learns_from": fraud_training, "fit": fit, "gate": Gate()}
    return Model("fraud", **{**said, **changes})


def evaluation(**changes: Any) -> Any:
    said: dict[str, Any] = {
        "training_set": fraud_training,
        "train": ("2018-07-25", "2018-08-01"),
        "test": ("2018-08-08", "2018-08-15"),
        "estimators": {"trees": fit},
        "published": {"trees": {"roc_auc": 0.9}},
    }
    return Evaluation("handbook", **{**said, **changes})


def domain(**changes: Any) -> Any:
    return Domain("payments_fraud", description="", **changes)


def request_without(name: str) -> type[Contract]:
    kinds = {"card_id": str, "shop_id": int, "paid_at": (datetime, event_time())}
    return contract("Request", **{n: k for n, k in kinds.items() if n != name})


DURATIONS = {
    "1m": "Duration '1m' is ambiguous: write '1min' for minutes or '30d' for days.",
    "0d": "Duration '0d' is no time at all; write 1d or more.",
    "1.5h": "Duration '1.5h' is not understood: write a whole number and one of s, min, h, d, "
    "for example '30d'.",
    "1w": "Duration '1w' is not understood: write a whole number and one of s, min, h, d, "
    "for example '30d'.",
    "-1d": "Duration '-1d' is not understood: write a whole number and one of s, min, h, d, "
    "for example '30d'.",
    "99999999d": "Duration '99999999d' is too long; write 100000d or less.",
    30: "Duration '30' is not understood: write a whole number and one of s, min, h, d, "
    "for example '30d'.",
}

CONTRACTS: dict[str, tuple[Callable[[], Any], str]] = {
    "a type that is no column's": (
        amount(bytes),
        "Payment.amount: type bytes is not one of str, int, float, Decimal, bool, datetime, date "
        "(each may be `| None`).",
    ),
    "two types": (
        amount(int | str),
        "Payment.amount: type int | str is not one of str, int, float, Decimal, bool, datetime, "
        "date (each may be `| None`).",
    ),
    "a type that is not imported": (
        amount("Money"),
        "Contract Payment: type 'Money' is not known where the contract is declared; import it at "
        "the top of its module, not under TYPE_CHECKING.",
    ),
    "a default value": (
        amount(int, 7),
        "Payment.amount = 7: write column(...), key(), event_time() or known_at() on the "
        "right-hand side, or nothing.",
    ),
    "no type": (
        lambda: type("Payment", (Contract,), {"amount": column(ge=0)}),
        "Payment.amount has no type; write one, as in amount: str = ...",
    ),
    "no columns": (
        lambda: contract(),
        "Contract Payment has no columns; write one a line, as in payment_id: str = key().",
    ),
    "a leading underscore": (
        lambda: contract(_known_at=datetime),
        "Payment._known_at: names that begin with '_' are the platform's own; rename the column.",
    ),
    "a name that contracts have": (
        lambda: contract(spec=str),
        "Payment.spec: every contract has a 'spec' of its own; rename the column.",
    ),
    "names that differ in case": (
        lambda: contract(amount=int, Amount=int),
        "Payment: columns 'amount' and 'Amount' differ in case alone, which SQL does not tell "
        "apart; rename one.",
    ),
    "a decimal without a scale": (
        amount(Decimal),
        "Payment.amount: a Decimal needs its digits after the point: column(scale=2).",
    ),
    "a scale of a float": (
        amount(float, column(scale=2)),
        "Payment.amount: scale is for Decimal columns, this one is float.",
    ),
    "too large a scale": (
        amount(Decimal, column(scale=18)),
        "Payment.amount: scale=18 must lie between 0 and 17.",
    ),
    "an event time that is a date": (
        amount(date, event_time()),
        "Payment.amount: event_time and known_at need a datetime, this one is date.",
    ),
    "an event time that may be null": (
        amount(datetime | None, event_time()),
        "Payment.amount: a row without an event time is in no window; leave out `| None`.",
    ),
    "two event times": (
        lambda: contract(paid_at=(datetime, event_time()), booked_at=(datetime, event_time())),
        "Payment marks 2 columns as event_time: paid_at, booked_at. Keep one.",
    ),
    "a key that may be null": (
        amount(str | None, key()),
        "Payment.amount: a key column cannot be nullable; leave out `| None`.",
    ),
    "a key that is a float": (
        amount(float, key()),
        "Payment.amount: a key must be compared exactly as it is written, this one is float; "
        "declare it as str or int.",
    ),
    "a time zone with a typing mistake": (
        amount(datetime, column(zone="Europe/Berln")),
        "Payment.amount: zone 'Europe/Berln' is not an IANA time zone; did you mean "
        "'Europe/Berlin'?",
    ),
    "a time zone of a text": (
        amount(str, column(zone="Europe/Berlin")),
        "Payment.amount: zone is for datetime columns, this one is string.",
    ),
    "a bound of a text": (
        amount(str, column(ge=0)),
        "Payment.amount: ge, le, gt and lt need an ordered type, this one is string.",
    ),
    "a bound of another type": (
        amount(int, column(ge="0")),
        "Payment.amount: ge: '0' is no int; write a whole number of 64 bits.",
    ),
    "a bound with more digits than its column": (
        amount(Decimal, column(scale=2, le=Decimal("9.999"))),
        "Payment.amount: le: Decimal('9.999') is no decimal; write a number with no more digits "
        "than the column has.",
    ),
    "a bound that is not a number": (
        amount(float, column(le=float("nan"))),
        "Payment.amount: le: nan is no float; write a finite number.",
    ),
    "a bound that is no time": (
        amount(datetime, column(ge="yesterday")),
        "Payment.amount: ge: 'yesterday' is no timestamp; write a time as '2018-04-01T06:30:00Z'.",
    ),
    "bounds that leave nothing": (
        amount(int, column(gt=7, le=7)),
        "Payment.amount: no value is both gt=7 and le=7.",
    ),
    "members as one text": (
        amount(str, column(isin="EUR")),
        "Payment.amount: isin takes several values, and was given the text 'EUR'; write "
        "isin=('EUR',).",
    ),
    "no members": (
        amount(str, column(isin=[])),
        "Payment.amount: isin is empty, no value could keep it; name its members or leave it out.",
    ),
    "null among the members": (
        amount(str | None, column(isin=("EUR", None))),
        "Payment.amount: isin holds None; say `| None` after the type instead.",
    ),
    "members of another type": (
        amount(str, column(isin=(1, 2))),
        "Payment.amount: isin: 1 is no string; write a text.",
    ),
    "a pattern for a number": (
        amount(int, column(str_matches="[0-9]+")),
        "Payment.amount: str_matches is for str columns, this one is int.",
    ),
    "a pattern that is none": (
        amount(str, column(str_matches="[A-Z")),
        "Payment.amount: str_matches='[A-Z' ends inside a class; close it, or put a \\ before its "
        "beginning.",
    ),
    "a pattern that only Python reads": (
        amount(str, column(str_matches="(?!DE)[A-Z]{2}")),
        "Payment.amount: str_matches='(?!DE)[A-Z]{2}' uses '(?!', which not every engine reads; "
        "write it with (…), (?:…) or (?i:…) alone: no back references, look-around, names or "
        "flags for the whole.",
    ),
}

TABLES: dict[str, tuple[Callable[[], Any], str]] = {
    "a name that is not lower snake case": (
        lambda: Source("PaymentFeed", Payment, "payments/*.csv"),
        "Source name 'PaymentFeed' must be lower snake case, as in 'card_spend' (letters, digits, "
        "single underscores between them; a letter first).",
    ),
    "a source of something that is no contract": (
        lambda: Source("payment_feed", dict, "payments/*.csv"),
        "Source 'payment_feed': the contract is the class dict; write the name of a class that is "
        "declared as class Payment(Contract).",
    ),
    "rows of which nobody says when they are known": (
        lambda: Source("wish_feed", Wish, "wishes/*.csv"),
        "Source 'wish_feed' does not say when its rows are known: mark a column known_at(), say "
        "event_time(known=True), or put {delivered_at} in the path 'wishes/*.csv'.",
    ),
    "a mode that does not exist": (
        lambda: Source("payment_feed", Payment, "payments/*.csv", mode="changes"),
        "Source 'payment_feed': mode='changes' is not one of append, snapshot.",
    ),
    "a path with an ending that is not read": (
        lambda: Source("payment_feed", Payment, "r/*.tsv"),
        "Source 'payment_feed': path 'r/*.tsv' takes no file that is read: let it end in .csv, "
        ".jsonl or .parquet (.gz or .zst may follow the first two), or in * for all of them.",
    ),
    "a path without an ending": (
        lambda: Source("payment_feed", Payment, "payments/today"),
        "Source 'payment_feed': path 'payments/today' takes no file that is read: let it end in "
        ".csv, .jsonl or .parquet (.gz or .zst may follow the first two), or in * for all of them.",
    ),
    "a path that leaves the landing folder": (
        lambda: Source("payment_feed", Payment, "../payments/*.csv"),
        "Source 'payment_feed': path '../payments/*.csv' must lie below the landing folder, as in "
        "'payments/*.csv'.",
    ),
    "a placeholder that does not exist": (
        lambda: Source("payment_feed", Payment, "payments/{date}.csv"),
        "Source 'payment_feed': path 'payments/{date}.csv': {date} means nothing there; "
        "{delivered_at}, once, is all that may stand in braces.",
    ),
    "a snapshot of rows without a key": (
        lambda: Source("wish_feed", Wish, "wishes/{delivered_at}.csv", mode="snapshot"),
        "Source 'wish_feed': a snapshot needs a key(); Wish has none.",
    ),
    "a cleaned table of a source": (
        lambda: Cleaned("payments", payment_feed),
        "Cleaned table 'payments': raw is Source 'payment_feed'; write "
        "Raw('payments_raw', source).",
    ),
    "a snapshot whose changes are conflicts": (
        lambda: Cleaned(
            "shops", Raw("shops_raw", Source("shop_feed", Shop, "shops/*.csv", mode="snapshot"))
        ),
        "Cleaned table 'shops': a snapshot brings changed rows by nature; say "
        "on_conflict='latest' or 'history'.",
    ),
    "the latest of rows without a key": (
        lambda: Cleaned("wishes", wishes.raw, on_conflict="latest"),
        "Cleaned table 'wishes': on_conflict='latest' is about rows of one key, and Wish has no "
        "key(); mark one, or leave on_conflict out.",
    ),
    "SQL over a table that is no input": (
        lambda: Curated("big", "SELECT * FROM {paymnets}", inputs=(payments,), contract=Payment),
        "Curated table 'big' has no input 'paymnets'; did you mean 'payments'? It has: payments.",
    ),
    "an input that the SQL never names": (
        lambda: Curated(
            "big", "SELECT * FROM {payments}", inputs=(payments, shops), contract=Payment
        ),
        "Curated table 'big': the SQL never names {shops}; use every input or leave it out.",
    ),
    "inputs without a comma": (
        lambda: Curated("big", "SELECT * FROM {payments}", inputs=payments, contract=Payment),
        "Curated table 'big': inputs takes several, in parentheses, and was given Cleaned "
        "'payments'; write inputs=(payments,).",
    ),
    "a raw table as an input": (
        lambda: Curated(
            "big", "SELECT * FROM {payments_raw}", inputs=(payments.raw,), contract=Payment
        ),
        "Curated table 'big': inputs holds Raw 'payments_raw'; write inputs=(payments,).",
    ),
    "a column that the table does not have": (
        lambda: payments["amount"],
        "Table 'payments' has no column 'amount'; did you mean 'amount_eur'? It has: amount_eur, "
        "country, paid_at, payment_id, shop_id … and 1 more.",
    ),
}

FEATURES: dict[str, tuple[Callable[[], Any], str]] = {
    "no window": (
        lambda: last(),
        "last() needs at least one length, as in last('7d'), or rows, as in last(rows=20).",
    ),
    "a window of no rows": (
        lambda: last(rows=0),
        "last(rows=the int 0): a window holds 1 to 1000 rows, as in last(rows=20).",
    ),
    "a window of rows as text": (
        lambda: last(rows="20"),  # type: ignore[arg-type]
        "last(rows=the text '20'): a window holds 1 to 1000 rows, as in last(rows=20).",
    ),
    "a window of a length and of rows": (
        lambda: last("7d", rows=20),
        "A window is of a length of time or of so many rows; join two of them, as in "
        "last('7d') + last(rows=20).",
    ),
    "rows without an order": (
        lambda: FeatureView(
            "readings", of=readings, by=meter, level=Mean("level", over=last(rows=20))
        ),
        "Feature view 'readings'.level: last(rows=20) needs an order of rows, and those of table "
        "'readings' have no key that orders them where their times are equal; declare one with "
        "key().",
    ),
    "distinct values over all that was": (
        lambda: view(countries=Distinct("country", over=ever())),
        "Feature view 'card_spend'.countries: distinct values over ever() would need every value "
        "of every tile, which nothing bounds; count them over windows of up to 30d, without an "
        "edge, or of so many rows, as in last(rows=20).",
    ),
    "an exact window of more than 30 days": (
        lambda: last("90d"),
        "Window '90d' is longer than 30d: name its resolution, as in last('90d', edge='1d').",
    ),
    "a window shorter than its edge": (
        lambda: last("1h", edge="1d"),
        "Window '1h' is shorter than its edge '1d'.",
    ),
    "an entity without a key": (
        lambda: Entity("card", key=()),
        "Entity 'card' has no key; name a column, as in key='card_id'.",
    ),
    "a view by a text": (
        lambda: FeatureView("card_spend", of=payments, by="card_id", n=Count(over=last("1d"))),
        "Feature view 'card_spend': by is the text 'card_id'; write "
        "by=Entity('card', key='card_id').",
    ),
    "a view of a raw table": (
        lambda: FeatureView("card_spend", of=payments.raw, by=card, n=Count(over=last("1d"))),
        "Feature view 'card_spend': of is Raw 'payments_raw'; write of= a Cleaned or Curated "
        "table.",
    ),
    "a view by a column the table does not have": (
        lambda: FeatureView("shop_names", of=shops, by=card, n=Count(over=last("1d"))),
        "Feature view 'shop_names', entity 'card': table 'shops' has no column 'card_id'. It has: "
        "name, registered_at, shop_id.",
    ),
    "windows over a table without an event time": (
        lambda: FeatureView(
            "shop_names", of=shops, by=Entity("shop", "shop_id"), n=Count(over=last("1d"))
        ),
        "Feature view 'shop_names': table 'shops' has no event_time() column to window over.",
    ),
    "windows over every version of a row": (
        lambda: FeatureView("card_spend", of=shop_versions, by=card, n=Count(over=last("1d"))),
        "Feature view 'card_spend': table 'shop_versions' keeps every version of a row "
        "(on_conflict='history'), which a window would count more than once; use a LatestView, "
        "or on_conflict='latest'.",
    ),
    "no aggregate": (
        lambda: view(),
        "Feature view 'card_spend' has no aggregate, as in n=Count(over=last('1d')).",
    ),
    "windows where an aggregate belongs": (
        lambda: view(payments=last("1d")),
        "Feature view 'card_spend'.payments: the feature is a Windows; write "
        "payments=Count(over=last('7d')), or Sum, Mean, Min, Max.",
    ),
    "a text where windows belong": (
        lambda: view(payments=Count(over="1d")),
        "Feature view 'card_spend'.payments: over is the text '1d'; write over=last('1d', '7d').",
    ),
    "a sum of a text": (
        lambda: view(spend=Sum("country", over=last("1d"))),
        "Feature view 'card_spend'.spend: sum needs a number, 'country' is string.",
    ),
    "a mean of a column that does not exist": (
        lambda: view(spend=Mean("amount", over=last("1d"))),
        "Feature view 'card_spend'.spend: table 'payments' has no column 'amount'; did you mean "
        "'amount_eur'? It has: amount_eur, country, paid_at, payment_id, shop_id … and 1 more.",
    ),
    "a mean of an expression over a column that does not exist": (
        lambda: view(spend=Mean("amount * 2", over=last("1d"))),
        "Feature view 'card_spend'.spend: table 'payments' has no column 'amount'; did you mean "
        "'amount_eur'? It has: amount_eur, country, paid_at, payment_id, shop_id … and 1 more.",
    ),
    "a sum of an expression that is no number": (
        lambda: view(spend=Sum("lower(country)", over=last("1d"))),
        "Feature view 'card_spend'.spend: sum needs a number, 'lower(country)' is string.",
    ),
    "a sum of what is the same for every row": (
        lambda: view(spend=Sum("1 + 1", over=last("1d"))),
        "Feature view 'card_spend'.spend: \"1 + 1\" names no column, and is the same for every "
        "row; write a column or an expression over columns, or count rows with Count.",
    ),
    "a last value that is always null": (
        lambda: view(spend=Last("case when amount_eur > 1 then null end", over=last("1d"))),
        "Feature view 'card_spend'.spend: the expression is null for every row; let it give a "
        "value.",
    ),
    "a sum of an expression that ends too early": (
        lambda: view(spend=Sum("amount_eur *", over=last("1d"))),
        "Feature view 'card_spend'.spend: expression \"amount_eur *\", character 13: the "
        "expression ends too early.",
    ),
    "an aggregate of a number": (
        lambda: view(spend=Sum(5, over=last("1d"))),  # type: ignore[arg-type]
        "Feature view 'card_spend'.spend: an expression is a text, and was given the int 5; write "
        "it in quotes.",
    ),
    "distinct values that engines agree in to some digits": (
        lambda: view(spend=Distinct("ln(amount_eur)", over=last("1d"))),
        "Feature view 'card_spend'.spend: 'ln' is the same on every engine to about 15 digits, and "
        "distinct would tell such values apart; compute it in a table's SQL, and name its column.",
    ),
    "a greatest of nothing": (
        lambda: view(most=Max(None, over=last("1d"))),
        "Feature view 'card_spend'.most: max needs a column, as in Max('amount_eur', over=...).",
    ),
    "one window twice": (
        lambda: view(payments=Count(over=last("7d") + last("7d", edge="1d"))),
        "Feature view 'card_spend': feature 'payments_7d' is named twice; leave one out.",
    ),
    "a criterion that is no condition": (
        lambda: view(payments=Count(over=last("1d"), where="amount_eur + 1")),
        "Feature view 'card_spend'.payments.where: \"amount_eur + 1\" must be a condition, as in "
        '"amount_eur > 220"; it gives decimal.',
    ),
    "a deviation of truths": (
        lambda: FeatureView(
            "frauds",
            of=labelled,
            by=card,
            spread=Std("is_fraud", over=last("1d")),
        ),
        "Feature view 'frauds'.spread: std needs a number, 'is_fraud' is bool.",
    ),
    "a last value of nothing": (
        lambda: view(country=Last(None, over=last("1d"))),
        "Feature view 'card_spend'.country: last needs a column, as in Last('country', over=...).",
    ),
    "no last value": (
        lambda: view(countries=LastK("country", k=0, over=last("1d"))),
        "Feature view 'card_spend'.countries: k is the int 0; list 1 to 100 values, as in k=5.",
    ),
    "more last values than a list holds": (
        lambda: view(countries=LastK("country", k=101, over=last("1d"))),
        "Feature view 'card_spend'.countries: k is the int 101; list 1 to 100 values, as in k=5.",
    ),
    "a number of last values that is a truth": (
        lambda: view(countries=LastK("country", k=True, over=last("1d"))),
        "Feature view 'card_spend'.countries: k is the bool True; list 1 to 100 values, as in k=5.",
    ),
    "distinct values over tiles": (
        lambda: view(countries=Distinct("country", over=last("1d") + last("365d", edge="1d"))),
        "Feature view 'card_spend'.countries: distinct values over last('365d', edge='1d') "
        "would need every value of every tile, which nothing bounds; count them over windows of "
        "up to 30d, without an edge, or of so many rows, as in last(rows=20).",
    ),
    "the most frequent value over tiles": (
        lambda: view(country=Mode("country", over=last("365d", edge="1d"))),
        "Feature view 'card_spend'.country: the most frequent value over last('365d', edge='1d') "
        "would need every value of every tile, which nothing bounds; take it over windows of up to "
        "30d, without an edge, or of so many rows, as in last(rows=20).",
    ),
    "a quantile beyond all values": (
        lambda: view(high=Quantile("amount_eur", q=90, over=last("1d"))),
        "Feature view 'card_spend'.high: q is the int 90; write a share from 0 to 1, as in q=0.5 "
        "for the median.",
    ),
    "a quantile finer than it is counted": (
        lambda: view(high=Quantile("amount_eur", q=0.9999999, over=last("1d"))),
        "Feature view 'card_spend'.high: q is 0.9999999; write at most 6 digits after its point.",
    ),
    "a quantile of a text": (
        lambda: view(high=Quantile("country", q=0.5, over=last("1d"))),
        "Feature view 'card_spend'.high: quantile needs a number, 'country' is string.",
    ),
    "a quantile over tiles": (
        lambda: view(high=Quantile("amount_eur", q=0.5, over=last("365d", edge="1d"))),
        "Feature view 'card_spend'.high: a quantile over last('365d', edge='1d') would need "
        "every value of every tile, which nothing bounds; take it over windows of up to 30d, "
        "without an edge, or of so many rows, as in last(rows=20).",
    ),
    "a trend of truths": (
        lambda: FeatureView(
            "frauds", of=labelled, by=card, rise=Trend("is_fraud", over=last("1d"))
        ),
        "Feature view 'frauds'.rise: trend needs a number, 'is_fraud' is bool.",
    ),
    "the time since a column": (
        lambda: view(ago=Aggregate("since", "country", last("1d"))),
        "Feature view 'card_spend'.ago: since is of rows and takes no column; write "
        "Since(where=\"country <> 'DE'\", over=...).",
    ),
    "a share of everything": (
        lambda: view(abroad=Share(where=None, over=last("1d"))),
        "Feature view 'card_spend'.abroad: share needs a criterion, as in "
        "Share(where=\"country <> 'DE'\", over=...).",
    ),
    "a share of what is no condition": (
        lambda: view(abroad=Share(where="country", over=last("1d"))),
        "Feature view 'card_spend'.abroad.where: \"country\" must be a condition, as in "
        '"amount_eur > 220"; it gives string.',
    ),
    "a default for a count": (
        lambda: view(n=Aggregate("count", None, last("1d"), default=0)),
        "Feature view 'card_spend'.n: a count of nothing is 0, which a default would hide; leave "
        "default= out.",
    ),
    "a default for a sum": (
        lambda: view(n=Aggregate("sum", "amount_eur", last("1d"), default=0)),
        "Feature view 'card_spend'.n: a sum of nothing is 0, which a default would hide; leave "
        "default= out.",
    ),
    "a default for distinct values": (
        lambda: view(n=Aggregate("distinct", "country", last("1d"), default=0)),
        "Feature view 'card_spend'.n: nothing has 0 distinct values, which a default would hide; "
        "leave default= out.",
    ),
    "a default for the last values": (
        lambda: view(n=Aggregate("last_k", "country", last("1d"), default="", argument=2)),
        "Feature view 'card_spend'.n: the last values of nothing are an empty list, which a "
        "default would hide; leave default= out.",
    ),
    "a default of another kind": (
        lambda: view(country=First("country", over=last("1d"), default=0)),
        "Feature view 'card_spend'.country: default 0 is no string; write a text.",
    ),
    "a default of more digits than the amount has": (
        lambda: view(least=Min("amount_eur", over=last("1d"), default=Decimal("0.005"))),
        "Feature view 'card_spend'.least: default Decimal('0.005') is no decimal; write a number "
        "with no more digits than the column has.",
    ),
    "a default that is a text and no amount": (
        lambda: view(least=Min("amount_eur", over=last("1d"), default="nothing")),
        "Feature view 'card_spend'.least: default 'nothing' is no number; write 0.5 or '0.5'.",
    ),
    "a default that is no number": (
        lambda: view(mean=Mean("amount_eur", over=last("1d"), default=float("nan"))),
        "Feature view 'card_spend'.mean: default nan is no float; write a finite number.",
    ),
    "a default that is no time": (
        lambda: view(paid=Last("paid_at", over=last("1d"), default="never")),
        "Feature view 'card_spend'.paid: default 'never' is no timestamp; write a time as "
        "'2018-04-01T06:30:00Z'.",
    ),
    "a default of a column that the latest view does not have": (
        lambda: latest(defaults={"amount": 0}),
        "Latest view 'last_payment', defaults, has no column 'amount'; did you mean 'amount_eur'? "
        "It has: amount_eur, country.",
    ),
    "a default of null": (
        lambda: latest(defaults={"country": None}),
        "Latest view 'last_payment'.country: default None is no string; write a text.",
    ),
    "defaults that name no column": (
        lambda: latest(defaults="unknown"),
        "Latest view 'last_payment': defaults is the text 'unknown'; write "
        "defaults={'country': 'unknown'}.",
    ),
    "a view that is never fresh": (
        lambda: latest(fresh_within="0s"),
        "Duration '0s' is no time at all; write 1s or more.",
    ),
    "a derived view of nothing": (
        lambda: RequestView("at_payment", night="1 + 1"),
        "Request view 'at_payment' has nothing to compute from; name views, as in "
        "uses=(card_spend,), or the contract of the request, as in request=Payment.",
    ),
    "a derived view over a request": (
        lambda: RequestView("at_payment", uses=(card_spend,), night="hour(paid_at) <= 6"),
        "Request view 'at_payment'.night has no column 'paid_at'. It has: "
        "card_spend.payments_1d, card_spend.payments_7d, card_spend.spend_1d, card_spend.spend_7d.",
    ),
    "an expression over a list": (
        lambda: RequestView("seen", uses=(recent,), again="recent.shops_1d = recent.shop_1d"),
        "Request view 'seen'.again: 'recent.shops_1d' is a list of up to 3 values, which no "
        "expression takes; declare a feature of one value, as with Last.",
    ),
    "a latest view of one column without a comma": (
        lambda: LatestView("shop", of=shops, by=Entity("shop", "shop_id"), columns="name"),
        "Latest view 'shop': columns takes several, in parentheses, and was given the text "
        "'name'; write columns=('amount_eur',).",
    ),
    "a feature that the view does not have": (
        lambda: card_spend["payments_30d"],
        "View 'card_spend' has no feature 'payments_30d'; did you mean 'payments_7d'? It has: "
        "payments_1d, payments_7d, spend_1d, spend_7d.",
    ),
    "an expression over what the request does not hold": (
        night("hour(booked_at) <= 6"),
        "Request view 'at_payment'.night has no column 'booked_at'. It has: "
        "card_spend.payments_1d, card_spend.payments_7d, country, paid_at, shop_id … and 5 more.",
    ),
    "a function that does not exist": (
        night("hours(paid_at) <= 6"),
        "Request view 'at_payment'.night: expression \"hours(paid_at) <= 6\" has no function "
        "'hours'; did you mean 'hour'? It has: hour, lower, power, round, upper … and 30 "
        "more.",
    ),
    "a text compared with a number": (
        night("country > 6"),
        "Request view 'at_payment'.night: '>' mixes int and string; give it values of one type.",
    ),
    "an hour of a text": (
        night("hour(country) = 6"),
        "Request view 'at_payment'.night: 'hour' takes timestamp, and was given string.",
    ),
    "a product of two decimals": (
        night("amount_eur * amount_eur > 6"),
        "Request view 'at_payment'.night: decimal * decimal has no exact place; write float(…) "
        "around one.",
    ),
    "an expression that ends too early": (
        night("hour(paid_at) <="),
        "Request view 'at_payment'.night: expression \"hour(paid_at) <=\", character 17: the "
        "expression ends too early.",
    ),
    "a text in double quotes": (
        night('country = "DE"'),
        'Request view \'at_payment\'.night: expression "country = "DE"", character 11: a text '
        "stands in single quotes, as in 'DE'.",
    ),
    "a text without an end": (
        night("country = 'DE"),
        "Request view 'at_payment'.night: expression \"country = 'DE\", character 11: the text "
        "that begins here has no closing '.",
    ),
    "too few arguments": (
        night("least(shop_id) > 6"),
        "Request view 'at_payment'.night: expression \"least(shop_id) > 6\", character 16: "
        "'least' takes at least 2 argument(s), not 1.",
    ),
    "an expression that is no text": (
        night(6),
        "Request view 'at_payment'.night: an expression is a text, and was given the int 6; "
        "write it in quotes.",
    ),
    "an expression that is null": (
        night("null"),
        "Request view 'at_payment'.night: \"null\" is always null; leave it out.",
    ),
}

TRAINING: dict[str, tuple[Callable[[], Any], str]] = {
    "a label that is a text": (
        lambda: training(label="is_fraud"),
        "Training set 'fraud_training': label is the text 'is_fraud'; write "
        "label=payments['is_fraud'].",
    ),
    "a label that is no number": (
        lambda: training(label=labelled["country"]),
        "Training set 'fraud_training': label 'country' is string; learn a bool or a number.",
    ),
    "a label without a moment": (
        lambda: training(label=shops["shop_id"]),
        "Training set 'fraud_training': table 'shops' has no event_time() column, the moment to "
        "learn from; mark one in its contract.",
    ),
    "a request that holds the label": (
        lambda: training(request=LabelledPayment),
        "Training set 'fraud_training': request LabelledPayment holds the label 'is_fraud', which "
        "is not known when the model is asked; leave it out of the request.",
    ),
    "a request that types a column otherwise": (
        lambda: training(request=contract("Request", amount_eur=(Decimal, column(scale=4)))),
        "Training set 'fraud_training': 'amount_eur' is decimal of scale 4 in request Request and "
        "decimal of scale 2 in table 'labelled'; declare one type.",
    ),
    "a request that is asked at another time": (
        lambda: training(
            label=Curated(
                "booked",
                "SELECT * FROM {payments}",
                inputs=(payments,),
                contract=contract(
                    "Booked",
                    payment_id=(str, key()),
                    card_id=str,
                    paid_at=datetime,
                    booked_at=(datetime, event_time()),
                    is_fraud=bool,
                ),
            )["is_fraud"],
            request=contract("Request", card_id=str, paid_at=(datetime, event_time())),
        ),
        "Training set 'fraud_training': request Request is asked at 'paid_at' and table 'booked' "
        "happens at 'booked_at'; mark the same column event_time().",
    ),
    "a view by what the request does not hold": (
        lambda: training(request=request_without("card_id")),
        "Training set 'fraud_training': view 'card_spend' is by 'card_id', which request Request "
        "does not hold; add it to the request.",
    ),
    "a request view of another request": (
        lambda: training(request=request_without("shop_id"), features=(at_payment,)),
        "Training set 'fraud_training': request view 'at_payment' is for requests of Payment, the "
        "training set for Request; declare one contract for both.",
    ),
    "features without a comma": (
        lambda: training(features=card_spend),
        "Training set 'fraud_training': features takes several, in parentheses, and was given "
        "FeatureView 'card_spend'; write features=(card_spend,).",
    ),
    "no feature": (
        lambda: training(features=()),
        "Training set 'fraud_training' has no feature; name a view, as in features=(card_spend,).",
    ),
    "only a feature of a view that is not named": (
        lambda: training(only=(at_payment["night"],)),
        "Training set 'fraud_training' has no feature 'at_payment.night'. It has: "
        "card_spend.payments_1d, card_spend.payments_7d, card_spend.spend_1d, "
        "card_spend.spend_7d.",
    ),
    "a list among the features": (
        lambda: training(features=(card_spend, recent)),
        "Training set 'fraud_training': recent.shops_1d, recent.shops_7d are lists, which no model "
        "takes; declare Last, or name the other features in only=.",
    ),
    "a list among the chosen features": (
        lambda: training(features=(recent,), only=(recent["shop_1d"], recent["shops_1d"])),
        "Training set 'fraud_training': recent.shops_1d is a list, which no model takes; declare "
        "Last, or name the other features in only=.",
    ),
    "a text among the features": (
        lambda: training(features=(RequestView("asked", request=Payment, land="upper(country)"),)),
        "Training set 'fraud_training': asked.land is string, and a model takes numbers and "
        "conditions: declare one of them, as in is_de=\"asked.land = 'DE'\" in a RequestView, or "
        "name the other features in only=.",
    ),
    "a rule over a list": (
        lambda: model(
            learns_from=training(features=(recent,), only=(recent["shop_1d"],)),
            rules=(Rule("block", when="recent.shops_7d is null"),),
        ),
        "Model 'fraud', rule 'block': 'recent.shops_7d' is a list of up to 3 values, which no "
        "expression takes; declare a feature of one value, as with Last.",
    ),
    "a selection that is no condition": (
        lambda: training(where="amount_eur"),
        "Training set 'fraud_training'.where: \"amount_eur\" must be a condition, as in "
        '"amount_eur > 220"; it gives decimal.',
    ),
    "an estimator that has no name": (
        lambda: model(fit=Distributed(lambda: None)),
        "Distributed(…) takes a function at the top of a module that returns the unfitted "
        "XGBClassifier or XGBRegressor, as in def trees(), so that its code can be named and found "
        "again; this is a lambda.",
    ),
    "an estimator in place of the function that makes it": (
        lambda: Distributed({"max_depth": 4}),  # type: ignore[arg-type]
        "Distributed(…) takes a function at the top of a module that returns the unfitted "
        "XGBClassifier or XGBRegressor, as in def trees(), so that its code can be named and found "
        "again; this is a dict.",
    ),
    "an estimator that asks for data": (
        lambda: Distributed(fit),  # type: ignore[arg-type]
        "Distributed(fit): the function asks for X, y; it gets no data: let it return the unfitted "
        "estimator, as in def trees().",
    ),
    "a fit that has no name": (
        lambda: model(fit=lambda X, y: None),
        "Model 'fraud': fit must be a function at the top of a module, as in def fit(X, y), so "
        "that its code can be named and found again; this is a lambda.",
    ),
    "a fit inside another function": (
        lambda: model(fit=fit_within()),
        "Model 'fraud': fit must be a function at the top of a module, as in def fit(X, y), so "
        "that its code can be named and found again; this is 'inner', which stands inside another "
        "function.",
    ),
    "a metric that is not measured": (
        lambda: model(gate=Gate(at_least("average_precison", 0.5))),
        "Model 'fraud', gate: a classification has no metric 'average_precison'; did you mean "
        "'average_precision'? It has: average_precision, brier, positives, roc_auc, rows … and 1 "
        "more.",
    ),
    "a metric that needs a group": (
        lambda: model(gate=Gate(at_least("precision_at_100", 0.2))),
        "Model 'fraud', gate: metric 'precision_at_100' needs the model's group, the column whose "
        "values it counts each day; write group='card_id'.",
    ),
    "a champion beaten by a greater loss": (
        lambda: model(gate=Gate(beats("champion", "log_loss"))),
        "Model 'fraud', gate: beats asks for more of 'log_loss' than the champion has, which is "
        "not better; claim at_most, or beat another metric: roc_auc, average_precision, "
        "precision_at_100.",
    ),
    "something else beaten": (
        lambda: beats("baseline", "roc_auc"),
        "beats('baseline', …): only the champion can be beaten; write "
        "beats('champion', 'roc_auc').",
    ),
    "a claim that is no number": (
        lambda: at_most("log_loss", "0.3"),
        "at_most('log_loss', …) was given the text '0.3'; write a number.",
    ),
    "a gate of numbers": (
        lambda: Gate(0.5),
        "Gate: a claim is the float 0.5; write at_least(...), at_most(...) or beats(...).",
    ),
    "a share of more than all": (
        lambda: Gate(max_difference=5),
        "Gate: max_difference=5 is a share of the test rows; write a number between 0 and 1.",
    ),
    "a rule over a feature that does not exist": (
        lambda: model(rules=(Rule("block", when="card_spend.payments_30d > 9"),)),
        "Model 'fraud', rule 'block' has no column 'card_spend.payments_30d'; did you mean "
        "'card_spend.payments_7d'? It has: card_spend.payments_1d, card_spend.payments_7d, "
        "card_spend.spend_1d, card_spend.spend_7d, payment_id … and 7 more.",
    ),
    "a rule that is no condition": (
        lambda: model(rules=(Rule("block", when="score"),)),
        "Model 'fraud', rule 'block': \"score\" must be a condition, as in \"amount_eur > 220\"; "
        "it gives float.",
    ),
    "one rule without a comma": (
        lambda: model(rules=Rule("block", when="score > 0.8")),
        "Model 'fraud': rules takes several, in parentheses, and was given a Rule; write "
        "rules=(Rule('block', when='score > 0.8'),).",
    ),
    "a decision without a name": (
        lambda: model(otherwise=""),
        "Model 'fraud': a decision is the text ''; give each a name, as in 'accept'.",
    ),
    "a group that the request does not hold": (
        lambda: model(group="is_fraud"),
        "Model 'fraud', group: request Payment has no column 'is_fraud'. It has: amount_eur, "
        "card_id, paid_at, payment_id, shop_id … and 1 more.",
    ),
    "an evaluation tested before it is trained": (
        lambda: evaluation(test=("2018-07-01", "2018-07-08")),
        "Evaluation 'handbook': train 2018-07-25 until 2018-08-01 and test 2018-07-01 until "
        "2018-07-08 do not follow each other; test on later days than were trained on.",
    ),
    "an evaluation of one day that is no pair": (
        lambda: evaluation(train="2018-07-25"),
        "Evaluation 'handbook': train='2018-07-25' is not a pair of dates; write train="
        "('2018-07-25', '2018-08-01'), the second not included.",
    ),
    "published figures of an estimator that is not fitted": (
        lambda: evaluation(published={"tree": {}}),
        "Evaluation 'handbook' has no estimator 'tree'; did you mean 'trees'? It has: trees.",
    ),
}

DOMAINS: dict[str, tuple[Callable[[], Any], str]] = {
    "two tables of one name": (
        lambda: domain(tables=(payments, Cleaned("payments", payments.raw, on_conflict="latest"))),
        "Domain 'payments_fraud': two different tables are called 'payments'; rename one.",
    ),
    "two raw tables of one name": (
        lambda: domain(tables=(payments, Cleaned("shops", Raw("payments_raw", shops.raw.source)))),
        "Domain 'payments_fraud': two different raw tables are called 'payments_raw'; rename one.",
    ),
    "two sources of one name": (
        lambda: domain(
            tables=(
                payments,
                Cleaned("shops", Raw("shops_raw", Source("payment_feed", Shop, "shops/*.csv"))),
            )
        ),
        "Domain 'payments_fraud': two different sources are called 'payment_feed'; rename one.",
    ),
    "two entities of one name": (
        lambda: domain(
            views=(
                card_spend,
                LatestView("shop", of=shops, by=Entity("card", "shop_id"), columns=("name",)),
            )
        ),
        "Domain 'payments_fraud': two different entities are called 'card'; rename one.",
    ),
    "two views of one name": (
        lambda: domain(views=(card_spend, view(n=Count(over=last("1d"))))),
        "Domain 'payments_fraud': two different views are called 'card_spend'; rename one.",
    ),
    "two models of one name": (
        lambda: domain(models=(model(), model(otherwise="pay"))),
        "Domain 'payments_fraud': model 'fraud' is named twice; leave one out.",
    ),
    "outcomes that no table reads": (
        lambda: domain(models=(model(outcomes=shops.raw.source),)),
        "Domain 'payments_fraud', model 'fraud': outcomes go to source 'shop_feed', which no table "
        "reads; declare Cleaned(…, Raw(…, source)) and use it, or name it in tables=.",
    ),
    "a delivery that names no function": (
        lambda: domain(deliver="deliveries.deliver"),
        "Domain 'payments_fraud': deliver='deliveries.deliver' names no function; write "
        "'package.module:function'.",
    ),
}


def message_of(declare: Callable[[], Any]) -> str:
    with pytest.raises(DeclarationError) as refused:
        declare()
    return str(refused.value)


@pytest.mark.parametrize(("length", "expected"), DURATIONS.items(), ids=map(str, DURATIONS))
def test_wrong_duration_is_refused(length: Any, expected: str) -> None:
    assert expected == message_of(lambda: last(length))


@pytest.mark.parametrize(("declare", "expected"), CONTRACTS.values(), ids=CONTRACTS)
def test_wrong_contract_is_refused(declare: Callable[[], Any], expected: str) -> None:
    assert expected == message_of(declare)


@pytest.mark.parametrize(("declare", "expected"), TABLES.values(), ids=TABLES)
def test_wrong_table_is_refused(declare: Callable[[], Any], expected: str) -> None:
    assert expected == message_of(declare)


@pytest.mark.parametrize(("declare", "expected"), FEATURES.values(), ids=FEATURES)
def test_wrong_feature_is_refused(declare: Callable[[], Any], expected: str) -> None:
    assert expected == message_of(declare)


@pytest.mark.parametrize(("declare", "expected"), TRAINING.values(), ids=TRAINING)
def test_wrong_training_is_refused(declare: Callable[[], Any], expected: str) -> None:
    assert expected == message_of(declare)


@pytest.mark.parametrize(("declare", "expected"), DOMAINS.values(), ids=DOMAINS)
def test_wrong_domain_is_refused(declare: Callable[[], Any], expected: str) -> None:
    assert expected == message_of(declare)
