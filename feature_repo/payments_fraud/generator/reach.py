"""Which terminals a customer can pay at: those of a disc, chosen from without listing them.

The terminals lie in narrow strips, each sorted from bottom to top, so the few stretches of strips
that cover a disc are found by searching. One terminal of the stretches is as likely as another,
and one that lies outside of the disc is chosen anew: about one in ten.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from feature_repo.payments_fraud.generator.seeded_streams import Floats, Ints

Bools = npt.NDArray[np.bool_]

_STRIPS_A_RADIUS = 5
_FEW = 64
"""With more terminals in their stretches, customers have one in their disc, but for 1 in 10^50."""


class Reach:
    """The terminals nearer than `radius` to each customer; places are rows of x and y in [0, 100).

    `any` says who has one.

    >>> corner, middle = [0.0, 0.0], [50.0, 50.0]
    >>> reach = Reach(np.array([corner, middle]), np.array([middle, [52.0, 51.0]]), radius=5.0)
    >>> reach.any.tolist()
    [False, True]
    >>> chosen = reach.choose(np.ones(9, dtype=np.int64), np.random.default_rng(0))
    >>> sorted(set(chosen.tolist()))
    [0, 1]
    """

    def __init__(self, places: Floats, terminals: Floats, radius: float) -> None:
        self._x, self._y = places.T.copy()
        self._terminal_x, self._terminal_y = terminals.T.copy()
        self._radius = radius
        width = radius / _STRIPS_A_RADIUS
        strip = np.floor(terminals[:, 0] / width)
        self._numbers = np.lexsort((terminals[:, 1], strip))
        # Strip and height as one number; stretches end a little beyond the grid of 100.
        heights = (strip * 1000.0 + terminals[:, 1])[self._numbers]
        x, y = self._x, self._y
        begins, lengths = [], []
        for step in range(2 * _STRIPS_A_RADIUS + 1):
            of = np.floor((x - radius) / width) + step
            aside = np.maximum(0.0, np.maximum(of * width - x, x - (of + 1) * width))
            # A little more than the disc, so that rounding at its edge is left to the distance.
            half = np.sqrt(np.maximum(0.0, (1.001 * radius) ** 2 - aside**2))
            begin = np.searchsorted(heights, of * 1000.0 + np.maximum(y - half, -1.0))
            end = np.searchsorted(heights, of * 1000.0 + np.minimum(y + half, 101.0))
            begins.append(begin)
            lengths.append(end - begin)
        # All customers' stretches in one row: the terminals of each lie at places of the row.
        each = np.column_stack(lengths)
        self._ends = np.cumsum(each.reshape(-1))
        self._shift = np.column_stack(begins).reshape(-1) - (self._ends - each.reshape(-1))
        self._count = each.sum(axis=1)
        self._first = np.cumsum(self._count) - self._count
        self.any: Bools = self._count > 0
        self._look_closely(np.flatnonzero(self.any & (self._count <= _FEW)))

    def choose(self, customers: Ints, random: np.random.Generator) -> Ints:
        """Return for each customer one of the terminals in reach, all of them equally likely.

        All must have `any`; those in ascending order are served fastest. How many terminals are
        in reach makes no difference.
        """
        chosen = np.empty(customers.size, dtype=np.int64)
        due = np.arange(customers.size)
        while due.size:
            who = customers[due]
            which = (random.random(due.size) * self._count[who]).astype(np.int64)
            chosen[due] = self._at(self._first[who] + which)
            due = due[~self._near(who, chosen[due])]
        return chosen

    def _look_closely(self, customers: Ints) -> None:
        """Find out which of the customers have a terminal in their disc."""
        count = self._count[customers]
        who = np.repeat(customers, count)
        which = np.arange(who.size) - np.repeat(np.cumsum(count) - count, count)
        near = self._near(who, self._at(self._first[who] + which))
        self.any[customers] = False
        self.any[who[near]] = True

    def _at(self, places: Ints) -> Ints:
        stretch = np.searchsorted(self._ends, places, side="right")
        found: Ints = self._numbers[self._shift[stretch] + places]
        return found

    def _near(self, customers: Ints, terminals: Ints) -> Bools:
        x = self._x[customers] - self._terminal_x[terminals]
        y = self._y[customers] - self._terminal_y[terminals]
        return np.asarray(np.sqrt(x * x + y * y) < self._radius)
