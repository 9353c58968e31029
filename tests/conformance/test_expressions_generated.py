"""Generated expressions over awkward rows give in plain Python what they give in SQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.protocol import Engine
from lakehouse.language.expressions import Call, Literal, Name, Node
from lakehouse.language.kinds import Kind
from tests.conformance.evaluators import AWKWARD, KINDS, assert_same

ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in AWKWARD.items()}),
    min_size=1,
    max_size=6,
)


@st.composite
def expressions(draw: st.DrawFn, kind: Kind, depth: int) -> Node:
    """An expression that gives `kind`; numbers of other kinds meet in it where they may.

    Products of decimals stay below 38 digits, where engines begin to round.
    """
    named = [Name(name) for name, of in KINDS.items() if of == kind]
    constants: dict[Kind, list[Any]] = {
        "int": [0, 1, 2, 60],
        "decimal": [Decimal("0.0"), Decimal("1.50"), Decimal("0.1")],
        "string": ["DE", "", "it's", "a\\b"],
    }
    leaves = [*named, *(Literal(value) for value in constants.get(kind, []))]
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(leaves))

    def sub(*kinds: Kind) -> Node:
        return draw(expressions(draw(st.sampled_from(kinds)), depth - 1))

    def maybe_null(node: Node) -> Node:
        return Literal(None) if draw(st.integers(0, 9)) == 0 else node

    narrower: dict[Kind, tuple[Kind, ...]] = {
        "float": ("int", "decimal", "float"),
        "decimal": ("int", "decimal"),
    }
    kinds = narrower.get(kind, (kind,))
    shapes = ["coalesce", "nullif", "case"]
    if kind not in ("bool", "string", "date", "timestamp"):
        shapes += ["+", "-", "*", "neg", "abs"]
    shapes += {"int": ["%", "part", "length"], "float": ["/", "float"], "string": ["letters"]}.get(
        kind, []
    )
    if kind in ("int", "decimal", "float", "string", "timestamp"):
        shapes += ["least", "greatest"]
    if kind == "bool":
        shapes += ["and", "or", "not", "is_null", "compare", "in", "between"] * 2
    shape = draw(st.sampled_from(shapes))
    if shape in ("least", "greatest", "coalesce"):
        count = draw(st.integers(2, 3))
        return Call(shape, (sub(kind), *(sub(*kinds) for _ in range(count - 1))))
    if shape == "nullif":
        return Call(shape, (sub(*kinds), sub(kind)))
    if shape == "case":
        return Call(shape, (sub("bool"), maybe_null(sub(*kinds)), sub(kind)))
    if shape == "*" and kind == "decimal":
        return Call(shape, (sub("int"), draw(st.sampled_from(named))))
    if shape in ("+", "-", "*", "%"):
        return Call(shape, (sub(kind), sub(*kinds)))
    if shape in ("neg", "abs", "not"):
        return Call(shape, (sub(kind),))
    if shape == "part":
        part = draw(st.sampled_from(["hour", "minute", "day", "month", "weekday"]))
        return Call(part, (sub("timestamp"),))
    if shape == "length":
        return Call(shape, (sub("string"),))
    if shape == "letters":
        return Call(draw(st.sampled_from(["lower", "upper"])), (sub("string"),))
    if shape == "/":
        return Call(shape, (sub("int", "decimal", "float"), sub("int", "decimal", "float")))
    if shape == "float":
        return Call(shape, (sub("int", "decimal", "float", "bool"),))
    if shape in ("and", "or"):
        return Call(shape, (sub("bool"), sub("bool")))
    family = draw(
        st.sampled_from(
            [("int", "decimal", "float"), ("string",), ("timestamp",), ("date",), ("bool",)]
        )
    )
    if shape == "is_null":
        return Call(shape, (sub(*family),))
    if shape == "compare":
        operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
        return Call(operator, (sub(*family), sub(*family)))
    if shape == "between":
        return Call(shape, (sub(*family), sub(*family), sub(*family)))
    items = (maybe_null(sub(*family)) for _ in range(draw(st.integers(0, 2))))
    return Call("in", (sub(*family), sub(*family), *items))


KINDS_GIVEN = st.sampled_from(["int", "decimal", "float", "bool", "string"])


GENERATED = st.tuples(
    st.lists(KINDS_GIVEN.flatmap(lambda kind: expressions(kind, 3)), min_size=1, max_size=10), ROWS
)


def test_python_gives_what_sql_gives(engine: Engine) -> None:
    @settings(max_examples=50 if engine.name == "embedded" else 10, deadline=None)
    @given(GENERATED)
    def agree(generated: tuple[list[Node], list[dict[str, Any]]]) -> None:
        assert_same(engine, *generated, optimised=True)

    agree()
