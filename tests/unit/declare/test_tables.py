from __future__ import annotations

from datetime import datetime

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Curated,
    Raw,
    Source,
    column,
    event_time,
    key,
    known_at,
)
from lakehouse.declare.tables import TableColumn
from lakehouse.errors import DeclarationError


class Payment(Contract):
    payment_id: str = key()
    card_id: str = column(personal=True)
    paid_at: datetime = event_time(known=True)


class Report(Contract):
    payment_id: str = key()
    reported_at: datetime = known_at()


class Airport(Contract):
    faa: str = key()
    name: str


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
reports = Cleaned(
    "reports",
    Raw("reports_raw", Source("report_feed", Report, "reports/*")),
    on_conflict="latest",
)


def test_a_cleaned_table_has_its_contracts_columns_and_roles() -> None:
    assert (Payment.spec.columns, ("payment_id",), "paid_at") == (
        payments.columns,
        payments.keys,
        payments.event_time,
    )


def test_each_table_knows_its_zone() -> None:
    curated = Curated("paid", "SELECT * FROM {payments}", inputs=[payments], contract=Payment)
    assert ("raw", "cleaned", "curated") == (payments.raw.zone, payments.zone, curated.zone)


def test_a_row_is_known_by_its_column_or_by_the_time_of_its_delivery() -> None:
    by_column = Source("report_feed", Report, "reports/*")
    by_delivery = Source("airport_feed", Airport, "airports/{delivered_at}.csv")
    assert ("reported_at", None) == (by_column.contract.known_at, by_delivery.contract.known_at)


def test_only_history_keeps_several_rows_of_one_key() -> None:
    feed = Source("airport_feed", Airport, "airports/{delivered_at}.csv", mode="snapshot")
    kept = [
        Cleaned("airports", Raw("airports_raw", feed), on_conflict=policy).has_history
        for policy in ("latest", "history")
    ]
    assert [False, True] == kept


def test_a_column_of_a_table_is_picked_by_name() -> None:
    assert TableColumn(payments, "card_id") == payments["card_id"]


def test_sql_may_name_an_input_more_than_once() -> None:
    pairs = Curated(
        "pairs",
        "SELECT a.payment_id FROM {payments} a JOIN {payments} b ON a.card_id = b.card_id "
        "JOIN {reports} r ON r.payment_id = a.payment_id",
        inputs=(payments, reports),
        contract=Report,
    )
    assert (payments, reports) == pairs.inputs


def test_equal_declarations_are_equal_and_can_be_members_of_a_set() -> None:
    again = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
    assert {payments} == {payments, again}


def test_declarations_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        payments.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["payments", "a", "p2", "payments_1d", "a_1_b"])
def test_lower_snake_case_names_a_table(name: str) -> None:
    assert name == Cleaned(name, payments.raw).name


@pytest.mark.parametrize(
    "name", ["", "Payments", "1d", "_raw", "raw_", "a__b", "ä", "a b", "a-b", "a/b", "a\n"]
)
def test_names_that_could_not_be_folders_columns_and_routes_are_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="must be lower snake case"):
        Cleaned(name, payments.raw)


@pytest.mark.parametrize(
    "path", ["", "/payments/*", "a/../../b", "a\\b", "{delivered_at}/{delivered_at}", "{", "a}b"]
)
def test_paths_that_leave_the_landing_folder_or_mean_nothing_are_refused(path: str) -> None:
    with pytest.raises(DeclarationError, match="Source 'payment_feed': path "):
        Source("payment_feed", Payment, path)


@pytest.mark.parametrize("path", ["payments/*.tsv", "a/b", "*.parquet.gz", "{delivered_at}", "*_x"])
def test_paths_that_take_no_file_that_is_read_are_refused(path: str) -> None:
    with pytest.raises(DeclarationError, match="takes no file that is read"):
        Source("payment_feed", Payment, path)


@pytest.mark.parametrize("path", ["payments/*.gz", "a.JSONL", "*.[cj]sv", "*.csv.zst", "a?"])
def test_a_path_may_leave_open_which_ending_that_is_read_a_file_has(path: str) -> None:
    assert path == Source("payment_feed", Payment, path).path


@pytest.mark.parametrize("path", ["payments/*.csv", "a..b/*", "[ab]?/**/*", "{delivered_at}.csv"])
def test_paths_are_globs_below_the_landing_folder(path: str) -> None:
    assert path == Source("payment_feed", Payment, path).path
