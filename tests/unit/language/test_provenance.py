"""The platform's own columns: named in one place, and never a delivered column's name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.errors import DeliveryError
from lakehouse.language import provenance

ROOT = Path(__file__).parents[3]
HOME = ROOT / "lakehouse" / "language" / "provenance.py"
OTHERS = {
    ROOT / "lakehouse" / "adapters" / "feast" / "declared_features.py": "_row",
}
"""Columns of other tables than the lake's, which are called alike."""
NAMES = frozenset((*provenance.RESERVED, *provenance.OF_SET_ASIDE))


def spelled_out(source: str) -> set[str]:
    """The names that a module writes as texts of their own, which those in SQL are not."""
    return {*NAMES} & {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_module_spells_a_name_out() -> None:
    found = {
        str(file.relative_to(ROOT)): names
        for room in ("lakehouse", "serving", "jobs")
        for file in sorted((ROOT / room).rglob("*.py"))
        if file != HOME and (names := spelled_out(file.read_text()) - {OTHERS.get(file)})
    }
    assert {} == found


def test_a_name_that_is_spelled_out_is_noticed() -> None:
    assert {"_row", "_known_at"} == spelled_out("rows['_row'], f(by='_known_at')")
    assert set() == spelled_out('"SELECT `_row` FROM raw"')


@pytest.mark.parametrize("name", sorted(provenance.RESERVED))
def test_no_delivered_column_has_one_of_the_names(name: str) -> None:
    for spelling in (name, name.upper(), f" {name} "):
        with pytest.raises(DeliveryError, match="a name of the platform's own"):
            LakeNames(["amount"]).of(["amount", spelling], "the header")


def test_delivered_columns_are_those_that_a_file_may_bring() -> None:
    brought = LakeNames([]).of(["amount", "_note", "_", "_text_amount"], "the header")
    assert brought == provenance.delivered_columns([*brought, *provenance.RESERVED])
