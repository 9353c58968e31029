"""What a function of expressions lacks is named: a meaning, an example, a place in its family."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lakehouse.language.expressions import EVERY, functions
from lakehouse.language.expressions.functions import FAMILIES


@pytest.mark.parametrize("name", EVERY)
def test_a_function_has_a_meaning_in_sql_and_in_python(name: str) -> None:
    function = EVERY[name]
    assert function.sql or function.means, f"'{name}' has neither sql= nor means="
    assert function.python or function.means, f"'{name}' has neither python= nor means="


@pytest.mark.parametrize("name", EVERY)
def test_a_constant_argument_has_examples_that_fit(name: str) -> None:
    for takes in EVERY[name].takes:
        if takes.constant is not None:
            assert takes.constant.examples, f"'{name}' takes a constant without examples"
            assert all(map(takes.constant.fits, takes.constant.examples))


@pytest.mark.parametrize("name", EVERY)
def test_what_gives_a_shared_type_has_an_argument_that_shares_it(name: str) -> None:
    function = EVERY[name]
    assert function.kind != "shared" or any(takes.shared for takes in function.takes)
    assert function.repeats <= len(function.takes)


def test_every_family_is_known_and_no_name_stands_twice() -> None:
    files = {f.stem for f in Path(functions.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {family.__name__.rpartition(".")[2] for family in FAMILIES}
    names = Counter(function.name for family in FAMILIES for function in family.FUNCTIONS)
    assert [] == [name for name, count in names.items() if count > 1]
