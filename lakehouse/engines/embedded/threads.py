"""Some work in threads, its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 2
"""How much is worked on at once; each holds what it works on."""


def in_order(work: Iterable[Callable[[], T]]) -> Generator[T, None, None]:
    """Do some work in threads and yield the results in its order, few of them ahead of need.

    The first error in that order is raised, and what was not begun is left; what was begun has
    ended when the generator is closed.

    >>> list(in_order([lambda: "a", lambda: "b", lambda: "c"]))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(THREADS) as pool:
        begun: deque[Future[T]] = deque()
        try:
            for one in work:
                begun.append(pool.submit(one))
                if len(begun) > 2 * THREADS:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
