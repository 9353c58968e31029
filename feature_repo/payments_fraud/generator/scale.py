"""Card payments with the statistics of the handbook's simulator, in any number and quickly.

The world is that of `simulator`: customers and terminals on the same grid, the same laws of
amounts, times, rates, reach and fraud. But it is drawn by NumPy's vectorised generator from a seed,
so each seed gives another world, and none gives the published payments. A day is drawn by itself,
from the seed and its number: memory holds a day however long the history is, and any day can be
drawn again without the payments before it.

Times are drawn until they fall within the day, and the number of payments is Poisson with the rate
of those that do: the same as to draw them all and leave the others out.

Each day two terminals and three cards of the handbook's world are compromised. A greater world
compromises more in proportion, so that the shares of frauds stay those of the handbook.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.payments_fraud.generator.fraud_scenarios import (
    CARD_DAYS,
    LARGE_CENTS,
    TERMINAL_DAYS,
)
from feature_repo.payments_fraud.generator.payment_rows import PaymentRows
from feature_repo.payments_fraud.generator.reach import Reach
from feature_repo.payments_fraud.generator.seeded_streams import Ints
from feature_repo.payments_fraud.generator.simulator import (
    DAY,
    GRID,
    MEAN_AMOUNTS,
    NOON,
    RATES,
    SPREAD,
    check_world,
    nobody_pays,
)

_PEOPLE, _COUNTS, _PAYMENTS, _TERMINALS, _CARDS = range(5)
"""What is drawn from a generator of its own, each day again."""


def _below(second: float) -> float:
    """The share of drawn times that lie before a second of the day."""
    return 0.5 * (1 + math.erf((second - NOON) / (SPREAD * math.sqrt(2))))


_WITHIN_THE_DAY = _below(DAY) - _below(1)


class Scale:
    """A world of payments of any size; the arguments are those of `simulator.simulate`.

    Raises LakehouseError for a world too small to draw frauds from, or in which nobody pays.

    >>> world = Scale(customers=100, terminals=200, days=3, radius=20.0, seed=7)
    >>> [batch.num_rows for batch in world.batches()]
    [203, 189, 183]
    >>> world.day(2).equals(list(world.batches())[2])
    True
    """

    def __init__(
        self,
        customers: int = 5000,
        terminals: int = 10_000,
        days: int = 183,
        start: date = date(2018, 4, 1),
        radius: float = 5.0,
        seed: int = 0,
    ) -> None:
        check_world(customers, terminals, days, radius)
        self.days = days
        self._seed = seed
        random = self._random(_PEOPLE)
        places = random.uniform(0.0, GRID, (customers, 2))
        self._mean_amount = random.uniform(*MEAN_AMOUNTS, customers)
        rates = random.uniform(*RATES, customers)
        self._reach = Reach(places, random.uniform(0.0, GRID, (terminals, 2)), radius)
        if not self._reach.any.any():
            raise nobody_pays(customers, terminals, radius)
        self._rates = np.where(self._reach.any, rates * _WITHIN_THE_DAY, 0.0)
        self._terminals, self._customers = terminals, customers
        expected = float(self._rates.sum()) * days
        self._most = int(expected + 10 * math.sqrt(expected)) + 1
        self._rows = PaymentRows(customers, terminals, start)
        self._numbers = [0]
        # What a day shares with the days around it: thefts look ahead, and are looked back on.
        self._counts = lru_cache(CARD_DAYS + 2)(self._draw_counts)
        self._thefts = lru_cache(CARD_DAYS + 1)(self._draw_thefts)
        self._terminals_from = lru_cache(TERMINAL_DAYS + 1)(self._draw_terminals)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield each day's payments, as `day` gives them."""
        for day in range(self.days):
            yield self.day(day)

    def day(self, day: int) -> pa.RecordBatch:
        """Return a day's payments by time, numbered on from the day before.

        The columns are those of `simulate`.
        """
        counts = self._counts(day)
        random = self._random(_PAYMENTS, day)
        customer = np.repeat(np.arange(self._customers), counts)
        second = _seconds(random, customer.size)
        cents = self._cents(random, customer)
        terminal = self._reach.choose(customer, random)
        scenario = (cents > LARGE_CENTS).astype(np.int8)
        scenario[self._compromised(day)[terminal]] = 2
        first = np.cumsum(counts) - counts
        for theft in range(max(0, day - CARD_DAYS + 1), min(day + 1, self.days - 1)):
            card, which = self._thefts(theft)[day - theft]
            stolen = first[card] + which
            cents[stolen] *= 5
            scenario[stolen] = 3
        order = _by_time(second)
        number = self._first_number(day)
        return self._rows.batch(
            np.arange(number, number + customer.size),
            self._most,
            customer[order],
            terminal[order],
            day * DAY + second[order],
            cents[order],
            scenario[order],
        )

    def _random(self, what: int, day: int = 0) -> np.random.Generator:
        return np.random.default_rng((self._seed, what, day))

    def _draw_counts(self, day: int) -> npt.NDArray[np.int16]:
        return self._random(_COUNTS, day).poisson(self._rates).astype(np.int16)

    def _first_number(self, day: int) -> int:
        while len(self._numbers) <= day:
            self._numbers.append(
                self._numbers[-1] + int(self._counts(len(self._numbers) - 1).sum())
            )
        return self._numbers[day]

    def _cents(self, random: np.random.Generator, customer: Ints) -> Ints:
        mean = self._mean_amount[customer]
        amount = mean + mean / 2 * random.standard_normal(customer.size)
        negative = np.flatnonzero(amount < 0)
        amount[negative] = 2 * mean[negative] * random.random(negative.size)
        return np.rint(amount * 100).astype(np.int64)

    def _compromised(self, day: int) -> npt.NDArray[np.bool_]:
        """Which terminals are compromised on a day."""
        flags = np.zeros(self._terminals, dtype=np.bool_)
        for first in range(max(0, day - TERMINAL_DAYS + 1), min(day + 1, self.days - 1)):
            flags[self._terminals_from(first)] = True
        return flags

    def _draw_terminals(self, day: int) -> Ints:
        """The terminals compromised from a day on: two of 10,000."""
        some = max(2, round(self._terminals / 5000))
        return self._random(_TERMINALS, day).choice(self._terminals, some, replace=False)

    def _draw_thefts(self, day: int) -> list[tuple[Ints, Ints]]:
        """The cards compromised from a day on, three of 5,000: for each of the days that follow,
        cards, and which of their payments of that day are fraud."""
        random = self._random(_CARDS, day)
        some = max(3, round(self._customers * 3 / 5000))
        cards = random.choice(self._customers, some, replace=False)
        until = min(day + CARD_DAYS, self.days)
        counts = np.stack([self._counts(d)[cards] for d in range(day, until)], axis=1)
        taken: list[tuple[list[int], list[int]]] = [([], []) for _ in range(day, until)]
        for card, of_days in zip(cards.tolist(), counts, strict=True):
            ends = np.cumsum(of_days)
            of_card = int(ends[-1])
            stolen = random.permutation(of_card)[: of_card // 3]
            on = np.searchsorted(ends, stolen, side="right")
            which = stolen - (ends - of_days)[on]
            for place, number in zip(on.tolist(), which.tolist(), strict=True):
                taken[place][0].append(card)
                taken[place][1].append(number)
        return [(np.array(c, np.int64), np.array(n, np.int64)) for c, n in taken]


def _seconds(random: np.random.Generator, size: int) -> Ints:
    """Draw times of day until each lies within the day."""
    second = np.empty(size, dtype=np.int64)
    due = np.arange(size)
    while due.size:
        second[due] = NOON + SPREAD * random.standard_normal(due.size)
        due = due[(second[due] <= 0) | (second[due] >= DAY)]
    return second


def _by_time(second: Ints) -> Ints:
    """The order of payments by time, of one second as they come; sorting plain numbers is fast."""
    packed = second * second.size + np.arange(second.size)
    packed.sort()
    return packed % second.size
