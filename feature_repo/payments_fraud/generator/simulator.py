"""The Fraud Detection Handbook's card payments, drawn exactly from their published description.

Customers and terminals stand on a grid of 100 by 100. A customer pays a Poisson number of
times a day, around noon, at a terminal within `radius` (strictly), with amounts around a mean of
their own. NumPy's legacy generator seeded with 0 draws the customers and with 1 the terminals;
each customer's payments come from NumPy and `random` both seeded with the customer's number.
`fraud_scenarios` then turns some payments into frauds.

With the default arguments: 1,754,155 payments, 14,681 frauds. A world of more days has the same
payments on its earlier days; only which of them are fraud differs, on the last 13 days that
both have. To hand a history over in parts, simulate it whole and cut it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from feature_repo.payments_fraud.generator.fraud_scenarios import compromise, stable_order
from feature_repo.payments_fraud.generator.payment_rows import PaymentRows
from feature_repo.payments_fraud.generator.seeded_streams import (
    Floats,
    Ints,
    SeededStreams,
    python_choices,
)
from lakehouse.errors import LakehouseError

DAY = 86_400
GRID = 100.0
"""Length of the grid's sides; places are uniform in it."""
MEAN_AMOUNTS = (5.0, 100.0)
"""Between which each customer's mean amount lies, uniformly."""
RATES = (0.0, 4.0)
"""Between which each customer's payments a day lie, uniformly."""
NOON, SPREAD = 43_200, 20_000
"""Mean and standard deviation of the second of the day at which payments are made."""


@dataclass(frozen=True)
class Customers:
    """The customers in number order: where they live and how they pay."""

    place: Floats  # n rows of x and y
    mean_amount: Floats  # the standard deviation is half of it
    payments_per_day: Floats


def simulate(
    customers: int = 5000,
    terminals: int = 10_000,
    days: int = 183,
    start: date = date(2018, 4, 1),
    radius: float = 5.0,
) -> pa.Table:
    """Simulate all payments of a world, ordered by time and numbered in that order.

    The columns are those of `PaymentRows.batch`. A customer with no terminal in reach pays
    nowhere. Raises `LakehouseError` for a world too small to draw
    frauds from: 3 customers, 2 terminals, 1 day.
    """
    check_world(customers, terminals, days, radius)
    people = _draw_customers(customers)
    reach = _terminals_in_reach(people.place, _draw_terminals(terminals), radius)
    if not any(near.size for near in reach):
        raise nobody_pays(customers, terminals, radius)
    customer, second, cents = _draw_payments(people, reach, days)
    terminal = _draw_terminal_choices(customer, reach)
    # Stable, so that payments of one second stay in customer order, then in drawing order.
    order = np.argsort(second, kind="stable")
    customer, terminal, second, cents = (
        values[order] for values in (customer, terminal, second, cents)
    )
    cents, scenario = compromise(
        customer, terminal, second // DAY, cents, customers, terminals, days
    )
    rows = PaymentRows(customers, terminals, start)
    numbers = np.arange(customer.size)
    batch = rows.batch(numbers, customer.size, customer, terminal, second, cents, scenario)
    return pa.Table.from_batches([batch])


def check_world(customers: int, terminals: int, days: int, radius: float) -> None:
    """Raise LakehouseError for a world too small to draw frauds from."""
    if customers < 3 or terminals < 2 or days < 1 or radius <= 0:
        raise LakehouseError(
            f"A world of {customers} customers, {terminals} terminals, {days} days and radius "
            f"{radius:g} cannot be simulated: give at least 3 customers, 2 terminals, 1 day and "
            "a radius above 0."
        )


def nobody_pays(customers: int, terminals: int, radius: float) -> LakehouseError:
    """The error for a world in which no customer reaches a terminal."""
    return LakehouseError(
        f"Nobody pays: none of {terminals} terminals is within {radius:g} of any of "
        f"{customers} customers on the grid of 100 by 100. Give a larger radius."
    )


def _draw_customers(count: int) -> Customers:
    draws = np.random.RandomState(0).uniform(
        low=[0.0, 0.0, MEAN_AMOUNTS[0], RATES[0]],
        high=[GRID, GRID, MEAN_AMOUNTS[1], RATES[1]],
        size=(count, 4),
    )
    return Customers(place=draws[:, :2], mean_amount=draws[:, 2], payments_per_day=draws[:, 3])


def _draw_terminals(count: int) -> Floats:
    return np.random.RandomState(1).uniform(0.0, GRID, size=(count, 2))


def _terminals_in_reach(places: Floats, terminals: Floats, radius: float) -> list[Ints]:
    """For each place the numbers of the terminals nearer than `radius`, ascending."""
    from_left = np.argsort(terminals[:, 0], kind="stable")
    x, y = terminals[from_left].T.copy()
    # A little more than the radius, so that rounding at the edge is left to the distance.
    first = np.searchsorted(x, places[:, 0] - radius * 1.001)
    last = np.searchsorted(x, places[:, 0] + radius * 1.001)
    reach = []
    for (left, down), begin, end in zip(places, first, last, strict=True):
        distance = np.sqrt(np.square(x[begin:end] - left) + np.square(y[begin:end] - down))
        reach.append(np.sort(from_left[begin:end][distance < radius]))
    return reach


def _draw_payments(people: Customers, reach: list[Ints], days: int) -> tuple[Ints, Ints, Ints]:
    """Customer, second since the start and amount in cents: by customer, in drawing order."""
    paying = np.flatnonzero([near.size > 0 for near in reach])
    rate = people.payments_per_day
    # A day takes rate + 1 doubles for the count, and each payment two normals of 4/π each.
    ahead = int(days * (1 + 4 * rate.max())) + 64
    streams = SeededStreams(range(len(reach)), ahead)
    drawn: list[tuple[Ints, Ints, Ints]] = []
    for day in range(days):
        payments = streams.poisson(paying, rate[paying])
        customer = paying
        while customer.size:
            going = payments > 0
            customer, payments = customer[going], payments[going] - 1
            second = (NOON + SPREAD * streams.normal(customer)).astype(np.int64)
            kept = (second > 0) & (second < DAY)
            payer = customer[kept]
            mean = people.mean_amount[payer]
            amount = mean + mean / 2 * streams.normal(payer)
            negative = np.flatnonzero(amount < 0)
            amount[negative] = 2 * mean[negative] * streams.uniform(payer[negative])
            cents = np.rint(amount * 100).astype(np.int64)
            drawn.append((payer, day * DAY + second[kept], cents))
    customer, second, cents = (np.concatenate(column) for column in zip(*drawn, strict=True))
    order = stable_order(customer)
    return customer[order], second[order], cents[order]


def _draw_terminal_choices(customer: Ints, reach: list[Ints]) -> Ints:
    """The terminal of each payment; `customer` is ascending."""
    sizes = np.bincount(customer, minlength=len(reach)).tolist()
    picks = python_choices(range(len(reach)), (near.size for near in reach), sizes)
    return np.concatenate([near[pick] for near, pick in zip(reach, picks, strict=True)])
