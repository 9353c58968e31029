"""The vectorised generator has the exact simulator's statistics."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from feature_repo.payments_fraud.generator.scale import Scale
from feature_repo.payments_fraud.generator.simulator import simulate
from lakehouse.errors import LakehouseError

CUSTOMERS, TERMINALS, DAYS, RADIUS = 2000, 4000, 60, 8.0


def generated(*world: Any, **options: Any) -> pa.Table:
    return pa.Table.from_batches(Scale(*world, **options).batches())


def numbers(table: pa.Table, name: str) -> Any:
    return pc.utf8_slice_codeunits(table[name], 1).cast(pa.int64()).to_numpy()


def days(table: pa.Table) -> Any:
    at = table["paid_at"].cast(pa.int64()).to_numpy()
    return (at - np.datetime64("2018-04-01", "us").astype(np.int64)) // 86_400_000_000


def amounts(table: pa.Table) -> Any:
    return table["amount_eur"].cast(pa.float64()).to_numpy()


def apart(one: Any, other: Any) -> float:
    """The greatest distance of two empirical distribution functions (Kolmogorov and Smirnov)."""
    both = np.concatenate((one, other))
    one, other = (
        np.searchsorted(np.sort(sample), both, side="right") / sample.size
        for sample in (one, other)
    )
    return float(np.abs(one - other).max())


@pytest.fixture(scope="module")
def exact() -> pa.Table:
    return simulate(CUSTOMERS, TERMINALS, DAYS, radius=RADIUS)


@pytest.fixture(scope="module", params=[0, 1, 2])
def drawn(request: pytest.FixtureRequest) -> pa.Table:
    return generated(CUSTOMERS, TERMINALS, DAYS, radius=RADIUS, seed=request.param)


def test_the_payments_are_as_many(exact: pa.Table, drawn: pa.Table) -> None:
    assert abs(len(drawn) / len(exact) - 1) < 0.04


@pytest.mark.parametrize(
    ("of", "count", "bound"), [("card_id", CUSTOMERS, 0.05), ("terminal_id", TERMINALS, 0.07)]
)
def test_counts_of_each_card_and_terminal_are_distributed_alike(
    exact: pa.Table, drawn: pa.Table, of: str, count: int, bound: float
) -> None:
    one, other = (np.bincount(numbers(t, of), minlength=count) for t in (exact, drawn))
    assert apart(one, other) < bound


def test_a_card_is_used_at_as_many_terminals(exact: pa.Table, drawn: pa.Table) -> None:
    used = []
    for table in (exact, drawn):
        pairs = np.unique(numbers(table, "card_id") * TERMINALS + numbers(table, "terminal_id"))
        used.append(np.bincount(pairs // TERMINALS, minlength=CUSTOMERS))
    assert apart(*used) < 0.05


def test_amounts_are_distributed_alike_in_all_and_by_card(exact: pa.Table, drawn: pa.Table) -> None:
    assert apart(amounts(exact), amounts(drawn)) < 0.03
    means = []
    for table in (exact, drawn):
        card = numbers(table, "card_id")
        count = np.bincount(card)
        means.append((np.bincount(card, amounts(table)) / np.maximum(count, 1))[count > 0])
    assert apart(*means) < 0.05


def test_each_hour_has_its_share(exact: pa.Table, drawn: pa.Table) -> None:
    shares = [
        np.bincount(pc.hour(table["paid_at"]).to_numpy(), minlength=24) / len(table)
        for table in (exact, drawn)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.003


def test_each_scenario_has_its_share_of_frauds(exact: pa.Table, drawn: pa.Table) -> None:
    shares = [
        np.bincount(table["fraud_scenario"].to_numpy(), minlength=4) / len(table)
        for table in (exact, drawn)
    ]
    # A few dozen customers and terminals make the frauds, so worlds differ.
    assert np.abs(shares[1] / shares[0] - 1).max() < 0.2
    # Of a compromised card's payments one in three, the third rounded down: in expectation
    # (n - 1) / 3 for many n. The last days' thefts are cut short.
    rate = len(drawn) / CUSTOMERS / DAYS
    stolen = sum(3 * (rate * min(14, DAYS - day) - 1) / 3 for day in range(DAYS - 1))
    assert abs(shares[1][3] * len(drawn) / stolen - 1) < 0.12


def test_amounts_of_compromised_cards_are_five_times_as_large(
    exact: pa.Table, drawn: pa.Table
) -> None:
    stolen = [amounts(table)[table["fraud_scenario"].to_numpy() == 3] for table in (exact, drawn)]
    assert apart(*stolen) < 0.1


def test_all_payments_at_a_compromised_terminal_are_fraud_for_28_days(drawn: pa.Table) -> None:
    terminal, day = numbers(drawn, "terminal_id"), days(drawn)
    scenario = drawn["fraud_scenario"].to_numpy()
    compromised = np.zeros((TERMINALS, DAYS), dtype=bool)
    compromised[terminal[scenario == 2], day[scenario == 2]] = True
    others = (scenario == 0) | (scenario == 1)
    assert not compromised[terminal[others], day[others]].any()
    spans = [np.ptp(np.flatnonzero(row)) + 1 for row in compromised if row.any()]
    # Terminals are used twice a day, so nearly every span shows its first and its last days.
    assert 24 <= np.median(spans) <= 28


def test_payments_come_by_time_with_their_numbers_and_types() -> None:
    drawn = generated(60, 80, 40, radius=30.0, seed=3)
    assert simulate(5, 10, 2, radius=50.0).schema == drawn.schema
    at = drawn["paid_at"].to_numpy()
    assert (at[1:] >= at[:-1]).all()
    assert drawn["payment_id"].to_pylist() == [f"P{n:07}" for n in range(len(drawn))]
    second = drawn["paid_at"].cast(pa.int64()).to_numpy() // 1_000_000 % 86_400
    assert int(second.min()) > 0


def test_any_day_can_be_drawn_by_itself() -> None:
    world = (60, 80, 40)
    whole = list(Scale(*world, radius=30.0, seed=3).batches())
    for day in (25, 0, 39, 26):
        assert whole[day].equals(Scale(*world, radius=30.0, seed=3).day(day))
    later = Scale(*world, radius=30.0, seed=3)
    assert [whole[day] for day in (30, 7, 31)] == [later.day(day) for day in (30, 7, 31)]


def test_the_same_seed_gives_the_same_world_and_another_another() -> None:
    one, same, other = (generated(60, 80, 5, radius=30.0, seed=seed) for seed in (3, 3, 4))
    assert one.equals(same)
    assert not one.slice(0, 9).equals(other.slice(0, 9))


def test_a_world_ten_times_as_great_has_the_same_shares_of_frauds() -> None:
    small = generated(5000, 10_000, 10, seed=5)
    great = generated(50_000, 100_000, 10, seed=5)
    shares = [
        np.bincount(table["fraud_scenario"].to_numpy(), minlength=4) / len(table)
        for table in (small, great)
    ]
    assert abs(len(great) / len(small) - 10) < 0.5
    assert np.abs(shares[1][2:] / shares[0][2:] - 1).max() < 0.25


def test_a_customer_without_a_terminal_in_reach_pays_nowhere() -> None:
    drawn = generated(60, 20, 30, radius=8.0, seed=1)
    assert 0 < len(np.unique(numbers(drawn, "card_id"))) < 60


def test_a_world_where_nobody_pays_is_refused() -> None:
    with pytest.raises(LakehouseError, match="larger radius"):
        Scale(3, 2, 5, radius=0.01)


@pytest.mark.parametrize("world", [(2, 10, 5), (10, 1, 5), (10, 10, 0)])
def test_a_world_too_small_to_draw_frauds_from_is_refused(world: tuple[int, int, int]) -> None:
    with pytest.raises(LakehouseError, match="at least 3 customers"):
        Scale(*world)
