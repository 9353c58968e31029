"""Generated expressions over awkward rows give in plain Python what they give in SQL.

`python -m tests.conformance.test_expressions_generated 5000` compares so many on both engines.
"""

from __future__ import annotations

import argparse
import time
from random import Random

from lakehouse.engines.protocol import Engine
from lakehouse.language.expressions import EVERY, Call, Node
from tests.conformance.random_expressions import Compared, compare, expressions, rows

SEED = 20_261_201
AT_ONCE = 70
"""Expressions in one query, over `ROWS` rows."""
ROWS = 12
COUNTS = {"embedded": 140, "spark": 70}
"""How many the suite compares on each engine."""


def agree(engine: Engine, count: int, seed: int) -> Compared:
    """Compare so many expressions; raises AssertionError for the first that differs."""
    chance = Random(seed)
    values = refused = 0
    for first in range(0, count, AT_ONCE):
        nodes = expressions(chance, min(AT_ONCE, count - first))
        compared = compare(engine, nodes, rows(chance, ROWS), chance)
        values, refused = values + compared.values, refused + compared.refused
    return Compared(values, refused)


def test_python_gives_what_sql_gives(engine: Engine) -> None:
    agree(engine, COUNTS[engine.name], SEED)


def test_every_function_is_among_the_generated() -> None:
    def called(node: Node) -> set[str]:
        if not isinstance(node, Call):
            return set()
        return {node.function}.union(*map(called, node.arguments))

    generated = expressions(Random(SEED), 700)
    assert set(EVERY) == set().union(*map(called, generated))


def main() -> None:
    """Compare on the engines named, or on both, and say how much was compared."""
    from lakehouse.engines.embedded import EmbeddedEngine
    from lakehouse.engines.spark import SparkEngine

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("engines", nargs="*", choices=[*COUNTS, []])
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    engines: list[Engine] = [EmbeddedEngine(memory_limit="1GB"), SparkEngine()]
    for engine in engines:
        if given.engines and engine.name not in given.engines:
            continue
        began = time.perf_counter()
        compared = agree(engine, given.count, given.seed)
        print(
            f"{engine.name}, seed {given.seed}: {given.count} expressions, "
            f"{compared.values} values equal, {compared.refused} refused alike, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
