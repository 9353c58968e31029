"""Kinds of views: each has its form in every mechanism, and nothing else tells them apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse.declare import features
from lakehouse.declare.features import FeatureView, StoredView
from lakehouse.engines.kernels.entity_features import _EntityRows
from lakehouse.features.explain import _question
from lakehouse.features.online.layout.slots import layout_of
from lakehouse.features.online.read.reader import _answers
from lakehouse.features.online.write.new_rows import _kept
from lakehouse.features.online.write.packing import _packing
from lakehouse.testing.conformance.against_oracle import _KINDS

ROOT = Path(__file__).parents[3]
MECHANISMS: dict[str, Callable[[type], Any]] = {
    "kernels": vars(_EntityRows)["values"].dispatcher.dispatch,
    "explanations": _question.dispatch,
    "the layout of stored rows": layout_of.dispatch,
    "reading stored rows": _answers.dispatch,
    "packing a table": _packing.dispatch,
    "packing a row": _kept.dispatch,
    "the oracle": _KINDS.get,
}
KINDS = [
    kind
    for kind in vars(features).values()
    if isinstance(kind, type) and issubclass(kind, StoredView) and kind is not StoredView
]
ELSEWHERE = {
    "lakehouse/adapters/feast/declarations.py": "which Feast view stands for which kind",
    "lakehouse/declare/domain.py": "the domain's views of a kind",
    "lakehouse/declare/request_view.py": "views of either kind, each once",
    "lakehouse/engines/spark/hot_keys.py": "the one row of any age that a LatestView needs",
    "lakehouse/monitoring/consistency/recomputed.py": "sums, which only windows have",
    "lakehouse/verbs/features_list.py": "what a stored view is of",
}
"""Where else kinds are told apart, and what for."""


def lacking(kind: type) -> list[str]:
    """The mechanisms that have no form for a kind of view."""
    return [name for name, form in MECHANISMS.items() if form(kind) in (None, form(StoredView))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_view_has_its_form_in_every_mechanism(kind: type) -> None:
    assert [] == lacking(kind)


def test_a_new_kind_is_told_all_that_it_lacks() -> None:
    toy = type("ToyView", (StoredView,), {})
    assert list(MECHANISMS) == lacking(toy)


def test_there_are_kinds_to_hold_this_against() -> None:
    assert FeatureView in KINDS
    assert len(KINDS) > 1


def test_kinds_of_views_are_told_apart_in_one_place_a_mechanism() -> None:
    told = re.compile(r"isinstance\([^()]*, \(?(Feature|Latest|Request|Stored)View\b")
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("lakehouse", "serving", "jobs", "feature_repo")
        for path in (ROOT / folder).rglob("*.py")
        if told.search(path.read_text("utf-8"))
    }
    assert set(ELSEWHERE) == {file for file in files if "/testing/" not in file}
