"""The handbook's three ways in which payments become frauds.

1. An amount above 220 is fraud: easy to find, there to check that a model learns anything.
2. Each day but the last, two terminals are compromised: all their payments of 28 days.
3. Each day but the last, three customers' cards are: a third of their payments of 14 days
   become five times as large.

A later scenario overwrites an earlier one; amounts grow after scenario 1 looked at them, and
again when a card is compromised twice.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from feature_repo.payments_fraud.generator.seeded_streams import Ints

LARGE_CENTS = 22_000
TERMINAL_DAYS = 28
CARD_DAYS = 14


def compromise(
    customer: Ints,
    terminal: Ints,
    day: Ints,
    cents: Ints,
    customers: int,
    terminals: int,
    days: int,
) -> tuple[Ints, npt.NDArray[np.int8]]:
    """Return the amounts and the scenario of each payment (0 none, else 1, 2 or 3).

    Payments are in number order, `day` (0-based) ascending. `cents` itself is left as it is.
    """
    amounts = cents.copy()
    scenario = np.where(cents > LARGE_CENTS, 1, 0).astype(np.int8)
    at_terminal = _RowsBy(terminal, day, terminals)
    for first, pair in _sampled(terminals, 2, days):
        scenario[at_terminal.during(pair, first, TERMINAL_DAYS)] = 2
    of_customer = _RowsBy(customer, day, customers)
    for first, trio in _sampled(customers, 3, days):
        rows = of_customer.during(trio, first, CARD_DAYS).tolist()
        stolen = random.Random(first).sample(rows, len(rows) // 3)
        amounts[stolen] *= 5
        scenario[stolen] = 3
    return amounts, scenario


def stable_order(key: Ints) -> Ints:
    """The rows in ascending order of `key` (not negative), those of one key as they come."""
    # NumPy sorts 16-bit keys by radix, seven times as fast as it merges wider ones.
    narrow = key.size and int(key.max()) < 2**16
    return np.argsort(key.astype(np.uint16) if narrow else key, kind="stable")


def _sampled(population: int, size: int, days: int) -> Iterator[tuple[int, Ints]]:
    """Each day but the last with what pandas' `sample(n=size, random_state=day)` takes then."""
    generator = np.random.RandomState()
    for day in range(days - 1):
        generator.seed(day)
        yield day, generator.choice(population, size=size, replace=False)


class _RowsBy:
    """The rows of each key, to be asked for by key and span of days."""

    def __init__(self, key: Ints, day: Ints, keys: int) -> None:
        self._rows = stable_order(key)
        self._day = day
        self._ends = np.searchsorted(key[self._rows], np.arange(keys + 1))

    def during(self, keys: Iterable[np.int64], first: int, days: int) -> Ints:
        """Rows of all `keys` from day `first` on for so many `days`, in number order."""
        found = []
        for key in keys:
            rows = self._rows[self._ends[key] : self._ends[key + 1]]
            begin, end = np.searchsorted(self._day[rows], (first, first + days))
            found.append(rows[begin:end])
        return np.sort(np.concatenate(found))
