"""Many of NumPy's legacy seeded generators, advanced side by side.

A simulation that gives each customer a seed of their own draws customer by customer, one
scalar at a time: 4.5 million calls for the handbook's world. The generators are independent of
one another, so here one vectorised step advances all those that are due a draw, and each of
them still sees exactly the sequence `numpy.random.seed(seed)` would have given it. The
algorithms are those of `numpy.random.RandomState`, which NumPy keeps frozen (NEP 19).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from lakehouse.errors import LakehouseError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class SeededStreams:
    """One seeded generator per seed; every draw names the streams that make it.

    `streams` are positions in `seeds`, each at most once in a call. `ahead` is how many raw
    doubles are read ahead per stream; a stream that uses them up has all read twice as far.

    >>> streams = SeededStreams(seeds=[0, 1], ahead=8)
    >>> streams.uniform(np.array([0, 1])).round(6).tolist()
    [0.548814, 0.417022]
    >>> streams.uniform(np.array([1])).round(6).tolist()
    [0.720324]
    """

    def __init__(self, seeds: Sequence[int], ahead: int) -> None:
        self._seeds = seeds
        self._next = np.zeros(len(seeds), dtype=np.int64)
        # The polar method makes two normal values at a time; the second waits here, else NaN.
        self._waiting = np.full(len(seeds), np.nan)
        self._read(max(ahead, 2))

    def _read(self, ahead: int) -> None:
        generator = np.random.RandomState()
        doubles = np.empty((len(self._seeds), ahead))
        for row, seed in zip(doubles, self._seeds, strict=True):
            generator.seed(seed)
            row[:] = generator.random_sample(ahead)
        self._ahead = ahead
        self._doubles = doubles.reshape(-1)

    def _advance(self, streams: Ints, count: int) -> Ints:
        """Use up `count` doubles of each stream; where the first of them is in `_doubles`."""
        at = self._next[streams]
        while at.size and int(at.max()) + count > self._ahead:
            self._read(2 * self._ahead)
        self._next[streams] = at + count
        at += streams * self._ahead
        return at

    def uniform(self, streams: Ints) -> Floats:
        """Draw one value of U[0, 1) from each stream."""
        at = self._advance(streams, 1)  # before `_doubles` is looked up: it may be read anew
        return self._doubles[at]

    def normal(self, streams: Ints) -> Floats:
        """Draw one value of N(0, 1) from each stream (Marsaglia's polar method)."""
        drawn = self._waiting[streams]
        self._waiting[streams] = np.nan
        missing = np.flatnonzero(np.isnan(drawn))
        while missing.size:
            due = streams[missing]
            at = self._advance(due, 2)
            x = 2.0 * self._doubles[at] - 1.0
            y = 2.0 * self._doubles[at + 1] - 1.0
            square = x * x + y * y
            inside = (square < 1.0) & (square != 0.0)
            square = square[inside]
            factor = np.sqrt(-2.0 * np.log(square) / square)
            drawn[missing[inside]] = factor * y[inside]
            self._waiting[due[inside]] = factor * x[inside]
            missing = missing[~inside]
        return drawn

    def poisson(self, streams: Ints, mean: Floats) -> Ints:
        """Draw one Poisson count from each stream; `mean` has one value per drawing stream.

        Uniform values are multiplied until the product is at most exp(-mean). NumPy does so
        for 0 < mean < 10 only; other means raise `LakehouseError`.
        """
        wrong = mean[~((mean > 0.0) & (mean < 10.0))]
        if wrong.size:
            examples = ", ".join(f"{value:g}" for value in wrong[:5])
            raise LakehouseError(
                f"Poisson means must lie between 0 and 10, both excluded; got {examples}. "
                "For others NumPy uses another algorithm, which SeededStreams does not have."
            )
        floor = np.exp(-mean)
        product = np.ones(streams.size)
        count = np.zeros(streams.size, dtype=np.int64)
        going = np.arange(streams.size)
        while going.size:
            product[going] *= self.uniform(streams[going])
            going = going[product[going] > floor[going]]
            count[going] += 1
        return count


def python_choices(
    seeds: Iterable[int], items: Iterable[int], sizes: Iterable[int]
) -> Iterator[Ints]:
    """For each seed, the positions that `size` calls of `random.choice` pick among `items`.

    Python seeds the same Mersenne Twister as NumPy does from an array, and takes the top
    `items.bit_length()` bits of a 32-bit word, again until they are below `items`. Seeds and
    items must be below 2**32.

    >>> import random
    >>> random.seed(7)
    >>> [random.choice("abcde") for _ in range(4)]
    ['c', 'b', 'd', 'a']
    >>> picks = next(python_choices(seeds=[7], items=[5], sizes=[4]))
    >>> ["abcde"[at] for at in picks]
    ['c', 'b', 'd', 'a']
    """
    generator = np.random.RandomState()  # made once: making one costs twenty times its seeding
    for seed, count, size in zip(seeds, items, sizes, strict=True):
        generator.seed([seed])
        shift = 32 - count.bit_length()
        picked = np.empty(0, dtype=np.int64)
        while picked.size < size:
            # At least half of the words are below `count`, so this is seldom done twice.
            words = generator.randint(0, 2**32, size=2 * size + 64, dtype=np.uint32) >> shift
            picked = np.concatenate((picked, words[words < count].astype(np.int64)))
        yield picked[:size]
