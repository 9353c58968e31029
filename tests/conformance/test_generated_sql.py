"""Generated statements of portable SQL give the same on both engines, or are refused by both."""

from __future__ import annotations

import re

from lakehouse.engines.protocol import Engine
from lakehouse.language.sql.functions import ROWS
from tests.conformance.generated_sql import FULL, SEED, SMALL, differences
from tests.conformance.sql_statements import SHAPES, statements


def test_generated_statements_are_answered_alike(spark: Engine) -> None:
    assert [] == differences(spark, statements(SEED, SMALL))


def test_every_function_is_among_the_generated_statements() -> None:
    text = " ".join(
        f"{SHAPES[s.shape].sql([s.expression])} {s.expression}" for s in statements(SEED, FULL)
    )
    called = set(re.findall(r"(\w+)\(", text))
    for row in ROWS:
        if row.role != "rank" or row.name == "lag":  # ranks take nothing to nest
            for form in row.forms:
                assert form.partition("(")[0] in called, f"{row.name}: {form}"


def test_the_statements_of_a_seed_are_the_same_every_time() -> None:
    assert statements(SEED, FULL) == statements(SEED, FULL)
