"""Patterns mean one thing to DuckDB's RE2, to Java and to Python: generated, with Unicode.

`python -m tests.conformance.test_patterns 5000` compares so many on both engines.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from random import Random

import pyarrow as pa

from lakehouse.engines.protocol import Engine
from lakehouse.language.patterns import Pattern, PatternError, parse
from lakehouse.language.sql import literals

SEED, PATTERNS, TEXTS = 20211231, 300, 90
AT_ONCE = 300
"""Patterns in one query."""
_CHARACTERS = [*"aAbBkKsSzZ059_-.^]", *"éÉßſ\u212aİıλ𝒳٣", *"\t\n\v\f\r \x1c\x85\u00a0\u2028\u2029"]
_ATOMS = [
    *("a", "K", "s", "é", "𝒳", "0", " ", "_", "-", "]", "}", r"\.", r"\^", r"\t", r"\n", r"\x41"),
    *(".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[a-k]", "[^a-k]", r"[\w-]", r"[^\s\d]"),
    *("[]^]", "[^]]", r"[À-ɏ]", r"[^\n]", r"\u2028", "[a-zA-Z0-9]", r"[\W_]", r"\b", "[[a]]"),
]
_REPEATS = ["", "", "", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{,3}", "++"]


def pattern(chance: Random, depth: int) -> str:
    """A pattern of the grammar, with something now and then that is not of it."""
    pieces = []
    for _ in range(chance.randint(1, 3)):
        inner = chance.choice(_ATOMS)
        if depth and chance.random() < 0.35:
            opened = chance.choice(["(", "(?:", "(?i:"])
            inner = f"{opened}{pattern(chance, depth - 1)})"
        pieces.append(inner + chance.choice(_REPEATS[: -2 if chance.random() < 0.95 else None]))
    joined = "".join(pieces)
    return f"{joined}|{pattern(chance, 0)}" if chance.random() < 0.2 else joined


def patterns(chance: Random, count: int) -> list[Pattern]:
    """So many patterns of the grammar; what is not of it is refused before any engine."""
    found: list[Pattern] = []
    while len(found) < count:
        try:
            found.append(parse(pattern(chance, 2)))
        except PatternError:
            continue
    return found


def texts(chance: Random, count: int) -> list[str]:
    """Nothing, each awkward character by itself, and so many of several together."""
    several = ("".join(chance.choices(_CHARACTERS, k=chance.randint(1, 6))) for _ in range(count))
    return ["", *_CHARACTERS, *several]


@dataclass
class Compared:
    """How many pairs of a pattern and a text were compared and matched; which engines differ on."""

    pairs: int = 0
    matched: int = 0
    differ: list[tuple[str, str]] = field(default_factory=list)


def compared(engine: Engine, count: int, seed: int) -> Compared:
    """Match so many patterns with texts on an engine and in Python."""
    chance, result = Random(seed), Compared()
    for first in range(0, count, AT_ONCE):
        asked = patterns(chance, min(AT_ONCE, count - first))
        given = texts(chance, TEXTS)
        matches = ", ".join(f"s RLIKE {literals.text(p.sql)} AS m{n}" for n, p in enumerate(asked))
        table = pa.table({"n": range(len(given)), "s": given})
        rows = engine.to_arrow(engine.query(f"SELECT n, {matches} FROM t", {"t": table}))
        for row in rows.to_pylist():
            for n, one in enumerate(asked):
                text = given[row["n"]]
                wanted = one.matches(text)
                result.pairs, result.matched = result.pairs + 1, result.matched + wanted
                if row[f"m{n}"] != wanted:
                    result.differ.append((one.written, text))
    return result


def test_generated_patterns_match_the_same_texts_everywhere(engine: Engine) -> None:
    result = compared(engine, PATTERNS, SEED)
    assert [] == result.differ
    assert 0.05 < result.matched / result.pairs < 0.95


def main() -> int:
    """Compare on the engines named, or on both; 1 if any pair differs."""
    from lakehouse.engines.embedded import EmbeddedEngine
    from lakehouse.engines.spark import SparkEngine

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("engines", nargs="*", choices=["embedded", "spark", []])
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    engines: list[Engine] = [EmbeddedEngine(memory_limit="1GB"), SparkEngine()]
    differ = 0
    for engine in engines:
        if given.engines and engine.name not in given.engines:
            continue
        began = time.perf_counter()
        result = compared(engine, given.count, given.seed)
        differ += len(result.differ)
        for pair in result.differ[:5]:
            print(*map(repr, pair))
        print(
            f"{engine.name}, seed {given.seed}: {given.count} patterns, {result.pairs} pairs with "
            f"a text, {result.matched} matched, {len(result.differ)} differ, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
