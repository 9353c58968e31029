"""Patterns mean one thing to DuckDB's RE2, to Java and to Python: generated, with Unicode."""

from __future__ import annotations

from random import Random

import pyarrow as pa

from lakehouse.engines.protocol import Engine
from lakehouse.language.patterns import PatternError, parse
from lakehouse.language.sql import literals

SEED, PATTERNS, TEXTS = 20211231, 300, 120
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


def test_generated_patterns_match_the_same_texts_everywhere(engine: Engine) -> None:
    chance = Random(SEED)
    found = []
    while len(found) < PATTERNS:
        try:
            found.append(parse(pattern(chance, 2)))
        except PatternError:
            continue
    texts = ["", *_CHARACTERS]
    while len(texts) < TEXTS:
        texts.append("".join(chance.choices(_CHARACTERS, k=chance.randint(1, 6))))
    asked = ", ".join(f"s RLIKE {literals.text(p.sql)} AS m{n}" for n, p in enumerate(found))
    table = pa.table({"n": range(len(texts)), "s": texts})
    rows = engine.to_arrow(engine.query(f"SELECT n, {asked} FROM t", {"t": table})).to_pylist()
    told = {(row["n"], m): row[f"m{m}"] for row in rows for m in range(len(found))}
    wanted = {(n, m): p.matches(s) for n, s in enumerate(texts) for m, p in enumerate(found)}
    differ = [(found[m].written, texts[n]) for (n, m), x in wanted.items() if told[n, m] != x]
    assert differ == []
    matched = sum(wanted.values())
    assert 0.05 < matched / len(wanted) < 0.95
