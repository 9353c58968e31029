from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings

from feature_repo.flight_delay.sources import Flight, Plane
from feature_repo.payments_fraud.sources import Payment
from lakehouse.adapters.pandera import failures, to_pandera
from lakehouse.declare import Contract, column, event_time, key
from lakehouse.declare.contract import ContractSpec
from lakehouse.engines.arrow_types import arrow_schema
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.testing import contract_oracle
from lakehouse.testing.contract_rows import Rows, rows

DTYPES = {
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "timestamp": "datetime64[us, UTC]",
}


class Everything(Contract):
    """Every type with every check that it can have."""

    country: str = key(str_matches="[A-Z]{2}|EU")
    number: int = key()
    currency: str | None = column(isin=("EUR", "CHF"))
    pieces: int | None = column(ge=1, lt=100, isin=(1, 2, 50, 99, 100))
    code: str = column(str_matches=r"(?i:de)\d+", unique=True)
    price: Decimal = column(gt=0, le=Decimal("999.99"), scale=2)
    discount: Decimal | None = column(isin=(Decimal("0.5"), 1), scale=1, unique=True)
    weight: float | None = column(ge=0.5, lt=80)
    share: float = column(gt=0, le=1, unique=True)
    paid: bool
    gift: bool | None = column(isin=(True,))
    made_on: date = column(ge="2018-04-01", le="2018-04-30")
    gone_on: date | None = column(isin=("2018-04-01",))
    seen_at: datetime | None = column(gt="2018-04-01T00:00", zone="Europe/Berlin")
    sold_at: datetime = event_time(known=True)


def frame_of(spec: ContractSpec, told: Rows) -> pd.DataFrame:
    """The rows as pandas, every column in the type that holds its right values and nulls."""
    return pd.DataFrame(
        {
            c.name: pd.Series([row[c.name] for row in told], dtype=DTYPES.get(c.kind, object))
            for c in spec.columns
        }
    )


def expected_failures(spec: ContractSpec, told: Sequence[Any]) -> list[tuple[int, str, str]]:
    again = contract_oracle.repeats(spec, told)
    return sorted(
        (place, name, check)
        for place, row in enumerate(told)
        for name, check in (*contract_oracle.failures(spec, row), *again[place])
    )


EVERYTHING = to_pandera(Everything.spec)
FLIGHT, PLANE = to_pandera(Flight.spec), to_pandera(Plane.spec)
GENERATED = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RIGHT: dict[str, Any] = {
    "country": "DE",
    "number": 1,
    "currency": "EUR",
    "pieces": 1,
    "code": "De7",
    "price": Decimal("0.01"),
    "discount": Decimal("0.5"),
    "weight": 0.5,
    "share": 1.0,
    "paid": True,
    "gift": True,
    "made_on": date(2018, 4, 1),
    "gone_on": date(2018, 4, 1),
    "seen_at": datetime(2018, 3, 31, 22, 0, 0, 1, tzinfo=UTC),
    "sold_at": datetime(2018, 4, 1, tzinfo=UTC),
}


@GENERATED
@given(rows(Everything.spec, most=40))
@example([RIGHT, RIGHT])
@example([RIGHT | {"price": Decimal("Infinity")}, RIGHT | {"price": Decimal("1.500")}])
@example([RIGHT | {"share": float("-inf"), "weight": float("nan")}])
@example([RIGHT | {"code": "de٣", "country": "EU\n"}])
@example([])
def test_pandera_finds_what_a_plain_check_of_each_row_finds(told: Rows) -> None:
    assert expected_failures(Everything.spec, told) == failures(
        EVERYTHING, frame_of(Everything.spec, told)
    )


@pytest.mark.parametrize(
    ("spec", "schema"), [(Flight.spec, FLIGHT), (Plane.spec, PLANE)], ids=["flight", "plane"]
)
def test_pandera_finds_the_same_in_contracts_of_the_repository(
    spec: ContractSpec, schema: Any
) -> None:
    @settings(GENERATED, max_examples=5)
    @given(rows(spec, most=40))
    def holds(told: Rows) -> None:
        assert expected_failures(spec, told) == failures(schema, frame_of(spec, told))

    holds()


def test_a_right_row_passes_and_each_wrong_value_fails_alone() -> None:
    wrong: dict[str, tuple[Any, str]] = {
        "country": ("EUR", "str_matches"),
        "currency": ("USD", "isin"),
        "code": (None, "nullable"),
        "price": (Decimal("0.00"), "gt"),
        "discount": ("0.5", "dtype"),
        "weight": (80.0, "lt"),
        "share": (float("inf"), "dtype"),
        "gift": (False, "isin"),
        "made_on": (date(2018, 3, 31), "ge"),
        "seen_at": (datetime(2018, 3, 31, 22, tzinfo=UTC), "gt"),
        "sold_at": (None, "nullable"),
    }
    assert [] == failures(EVERYTHING, frame_of(Everything.spec, [RIGHT]))
    for name, (value, check) in wrong.items():
        told = frame_of(Everything.spec, [RIGHT | {name: value}])
        assert [(0, name, check)] == failures(EVERYTHING, told)


def test_a_table_as_a_notebook_reads_it_keeps_its_contract() -> None:
    other = RIGHT | {"number": 2, "code": "de8", "share": 0.5}
    nulls = dict.fromkeys(c.name for c in Everything.spec.columns if c.nullable)
    table = pa.Table.from_pylist(
        [RIGHT, other | nulls], schema=arrow_schema(Everything.spec.columns)
    )
    assert [] == failures(EVERYTHING, table.to_pandas())


def test_a_wrong_value_is_found_in_a_table_as_a_notebook_reads_it() -> None:
    told = [RIGHT | {"pieces": 3}, RIGHT | {"pieces": None}]
    table = pa.Table.from_pylist(told, schema=arrow_schema(Everything.spec.columns))
    assert expected_failures(Everything.spec, told) == failures(EVERYTHING, table.to_pandas())


def test_a_missing_and_a_further_column_are_told() -> None:
    told = frame_of(Everything.spec, [RIGHT]).drop(columns=["paid", "number"])
    told["note"] = "new"
    assert [
        (None, "note", "unexpected"),
        (None, "number", "missing"),
        (None, "paid", "missing"),
    ] == failures(EVERYTHING, told)


def test_further_columns_pass_where_they_are_allowed() -> None:
    told = frame_of(Everything.spec, [RIGHT]).assign(_known_at=0)
    assert [] == failures(to_pandera(Everything.spec, strict=False), told)


def test_a_key_of_several_columns_repeats_only_as_a_whole() -> None:
    told = [
        RIGHT | {"number": number, "country": country, "code": f"de{place}", "share": place / 10}
        for place, (country, number) in enumerate(
            [("DE", 11), ("DE", 1), ("AT", 1), ("DE", 1)], start=1
        )
    ]
    repeated = [(3, "country, number", "key")]
    found = failures(EVERYTHING, frame_of(Everything.spec, told))
    assert repeated == [f for f in found if f[2] != "unique"]
    assert [] == [
        f
        for f in failures(
            to_pandera(Everything.spec, unique_key=False), frame_of(Everything.spec, told)
        )
        if f[2] != "unique"
    ]


def test_a_contract_compiles_itself() -> None:
    schema = Payment.to_pandera()
    assert ["payment_id", "card_id", "terminal_id", "amount_eur", "paid_at"] == [*schema.columns]
    assert {"personal": True, "key": False} == schema.columns["card_id"].metadata
    told = frame_of(Payment.spec, [dict.fromkeys(c.name for c in Payment.spec.columns)])
    assert {"nullable"} == {check for _, _, check in failures(schema, told)}


def test_another_backend_is_answered_with_what_there_is() -> None:
    with pytest.raises(NotFound) as missing:
        Payment.to_pandera("spark")
    assert "Contract.to_pandera() has no backend 'spark'. It has: pandas." == str(missing.value)


def test_without_pandera_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    with pytest.raises(LakehouseError, match=r"pip install 'lakehouse\[pandera\]'"):
        Payment.to_pandera()
