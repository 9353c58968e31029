"""What counts as the same when a version is made again."""

from __future__ import annotations

from math import nan

import pytest

from lakehouse.registry.reproduce import Reproduction


def made(digest: str, roc_auc: float) -> Reproduction:
    """A version recorded with digest "d" and no area under the curve, made again now."""
    recorded = {"roc_auc": nan, "brier": 0.25}
    now = {"roc_auc": roc_auc, "brier": 0.25}
    return Reproduction("returns", 1, "d", digest, recorded, now, ())


@pytest.mark.parametrize(
    ("digest", "roc_auc", "same"),
    [("d", float("nan"), True), ("d", 0.5, False), ("e", float("nan"), False)],
)
def test_a_metric_without_a_value_is_reproduced_by_none(
    digest: str, roc_auc: float, same: bool
) -> None:
    assert same == made(digest, roc_auc).same
