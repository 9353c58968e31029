"""Generated expressions over awkward rows give in plain Python what they give in SQL.

`python -m tests.conformance.test_expressions_generated 5000` compares so many on both engines.
"""

from __future__ import annotations

import sys
from random import Random

from lakehouse.engines.protocol import Engine
from lakehouse.language.expressions import EVERY, Call, Node
from tests.conformance.random_expressions import Compared, compare, expressions, rows

SEED = 20_261_201
AT_ONCE = 35
"""Expressions in one query, over `ROWS` rows."""
ROWS = 12
COUNTS = {"embedded": 70, "spark": 35}
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


def main(count: int, names: list[str]) -> None:
    """Compare on each engine named, or on both, and say how much was compared."""
    from lakehouse.engines.embedded import EmbeddedEngine
    from lakehouse.engines.spark import SparkEngine

    engines: list[Engine] = [EmbeddedEngine(memory_limit="1GB"), SparkEngine()]
    for engine in engines:
        if not names or engine.name in names:
            compared = agree(engine, count, SEED)
            print(
                f"{engine.name}: {count} expressions, {compared.values} values equal, "
                f"{compared.refused} refused alike"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
