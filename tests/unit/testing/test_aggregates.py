"""Every function that windows are aggregated by is whole: none of its pieces is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lakehouse import declare
from lakehouse.declare import FeatureView
from lakehouse.declare.aggregates import FACTS, Aggregate, Facts
from lakehouse.declare.aggregates.facts import Kept, declared
from lakehouse.declare.windows import last
from lakehouse.engines.kernels.aggregates import kernel_of
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.features.aggregates import form_of
from lakehouse.testing.conformance.functions import CASES
from lakehouse.testing.conformance.world import card, movements
from lakehouse.testing.meanings import MAGNITUDES, MEANINGS
from lakehouse.testing.mutations.aggregates import mutated
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "declarations.md"


def lacking(facts: Facts) -> list[str]:
    """What a function that is declared still lacks, and where that belongs."""
    lacks = []
    function = facts.function
    for load in (kernel_of, form_of):
        try:
            load(function)
        except LakehouseError as error:
            lacks.append(str(error))
    if function not in MEANINGS:
        lacks.append(f"'{function}' has no meaning in lakehouse.testing.meanings.MEANINGS.")
    if (facts.rounds != "never") != (function in MAGNITUDES):
        lacks.append(
            f"'{function}' rounds {facts.rounds}, and lakehouse.testing.meanings.MAGNITUDES says "
            "otherwise."
        )
    if function not in CASES:
        lacks.append(f"'{function}' has no case in lakehouse.testing.conformance.functions.CASES.")
    if not mutated(function):
        lacks.append(
            f"'{function}' has no mistake of its own in lakehouse.testing.mutations.aggregates."
        )
    if facts.name not in declare.__all__:
        lacks.append(f"'{facts.name}' is not offered: name it in __all__ of its family.")
    if f"`{facts.name}`" not in " ".join(first_cells()):
        lacks.append(f"`{facts.name}` has no row in the table of {PAGE.name}.")
    return lacks


def first_cells() -> list[str]:
    return re.findall(r"^\| (`.+?`) \|", PAGE.read_text(), flags=re.MULTILINE)


@pytest.fixture
def toy() -> Iterator[Facts]:
    facts = Facts(
        function="product",
        name="Product",
        example="Product('points', over=...)",
        column="needed",
        gives="column",
        rounds="floats",
        events=(Kept("value"),),
        untiled=("products", "take them"),
    )
    yield declared(facts)
    del FACTS["product"]


@pytest.mark.parametrize("function", FACTS)
def test_a_function_is_whole(function: str) -> None:
    assert [] == lacking(FACTS[function])


def test_what_a_new_function_forgot_is_named(toy: Facts) -> None:
    assert [
        "Function 'product' has no kernel; write one as column() in the module "
        "lakehouse.engines.kernels.aggregates.product.",
        "Function 'product' has no online and no explained form; write them as FORM in the module "
        "lakehouse.features.aggregates.product.",
        "'product' has no meaning in lakehouse.testing.meanings.MEANINGS.",
        "'product' rounds floats, and lakehouse.testing.meanings.MAGNITUDES says otherwise.",
        "'product' has no case in lakehouse.testing.conformance.functions.CASES.",
        "'product' has no mistake of its own in lakehouse.testing.mutations.aggregates.",
        "'Product' is not offered: name it in __all__ of its family.",
        "`Product` has no row in the table of declarations.md.",
    ] == lacking(toy)


def test_a_function_that_there_is_not_is_refused() -> None:
    with pytest.raises(DeclarationError, match="has no aggregate 'median'"):
        Aggregate("median", "points", last("1d"))


def test_a_name_is_declared_once(toy: Facts) -> None:
    with pytest.raises(DeclarationError, match="'product' is declared twice"):
        declared(toy)


def test_tiles_are_held_or_refused_with_a_reason() -> None:
    with pytest.raises(DeclarationError, match="give tiles="):
        declared(
            Facts(function="odd", name="Odd", example="", column="none", gives="int", events=())
        )
    assert "odd" not in FACTS


def test_an_argument_that_a_function_does_not_take_is_refused() -> None:
    with pytest.raises(DeclarationError, match="sum takes no argument of its own"):
        FeatureView(
            "v", of=movements, by=card, n=Aggregate("sum", "points", last("1d"), argument=3)
        )
