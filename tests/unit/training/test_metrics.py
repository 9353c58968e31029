"""Metrics of scores: scikit-learn's where they exist, card precision against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.training.metrics import (
    average_precision,
    brier,
    classification,
    log_loss,
    precision_at_k_per_day,
    regression,
    roc_auc,
)


def plain_card_precision(rows: list[tuple[int, str, float, int]], k: int) -> float:
    """The definition as it is read: (day, card, score, fraud) rows, one day after the other."""
    caught: set[str] = set()
    precisions = []
    for today in sorted({day for day, *_ in rows}):
        best: dict[str, float] = {}
        fraud: dict[str, bool] = {}
        for day, card, score, is_fraud in rows:
            if day == today and card not in caught:
                best[card] = max(best.get(card, 0.0), score)
                fraud[card] = fraud.get(card, False) or bool(is_fraud)
        ranked = sorted(best, key=lambda card: (-best[card], card))
        found = [card for card in ranked[:k] if fraud[card]]
        caught |= set(found)
        precisions.append(len(found) / k)
    return sum(precisions) / len(precisions)


@pytest.mark.parametrize("k", [1, 3, 10, 100])
@pytest.mark.parametrize("seed", range(5))
def test_precision_at_k_equals_the_plain_loop_with_ties_and_cards_that_come_back(
    k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 5, 400) * 3
    card = np.array([f"card {n}" for n in rng.integers(0, 40, 400)])
    score = rng.integers(0, 8, 400) / 10
    fraud = (rng.random(400) < score / 2).astype(int)
    rows = list(zip(day.tolist(), card.tolist(), score.tolist(), fraud.tolist(), strict=True))
    expected = plain_card_precision(rows, k)
    assert 0 < expected < 1
    assert precision_at_k_per_day(fraud, score, day, card, k) == pytest.approx(expected, abs=1e-12)


def test_caught_card_leaves_its_place_to_the_next_on_later_days() -> None:
    day, card = [1, 1, 2, 2], ["a", "b", "a", "b"]
    assert precision_at_k_per_day([1, 0, 1, 0], [0.9, 0.1, 0.9, 0.1], day, card, k=1) == 0.5
    assert precision_at_k_per_day([1, 0, 1, 1], [0.9, 0.1, 0.9, 0.1], day, card, k=1) == 1.0


def test_flagged_card_without_fraud_is_ranked_again_the_next_day() -> None:
    day, card = [1, 2, 2], ["a", "a", "b"]
    assert precision_at_k_per_day([0, 0, 1], [0.9, 0.9, 0.8], day, card, k=1) == 0.0


def test_card_counts_once_a_day_by_its_highest_score() -> None:
    day, card = [1, 1, 1], ["a", "a", "b"]
    assert precision_at_k_per_day([1, 0, 0], [0.1, 0.9, 0.5], day, card, k=1) == 1.0


def test_k_divides_even_where_fewer_cards_are_left() -> None:
    assert precision_at_k_per_day([1, 1], [0.9, 0.8], [1, 1], ["a", "b"], k=4) == 0.5


def test_classification_of_a_small_case_is_as_worked_out_by_hand() -> None:
    assert classification([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3]) == pytest.approx(
        {
            "rows": 4,
            "positives": 2,
            "roc_auc": 3 / 4,
            "average_precision": (1 + 2 / 3) / 2,
            "log_loss": -math.log(0.9 * 0.9 * 0.6 * 0.3) / 4,
            "brier": (0.01 + 0.01 + 0.16 + 0.49) / 4,
        }
    )


def test_regression_of_a_small_case_is_as_worked_out_by_hand() -> None:
    assert regression([1.0, 2.0, 6.0], [1.0, 4.0, 5.0]) == pytest.approx(
        {
            "rows": 3,
            "mean_absolute_error": 1.0,
            "root_mean_squared_error": math.sqrt(5 / 3),
            "r2": 1 - 5 / 14,
        }
    )
    assert math.isnan(regression([2.0, 2.0], [1.0, 2.0])["r2"])
    with pytest.raises(LakehouseError, match="1 true and 0 predicted"):
        regression([1.0, math.inf], [1.0, 2.0])


def test_boolean_series_are_taken_by_position_not_by_index() -> None:
    y = pd.Series([True, False, True], index=[2, 1, 0])
    assert roc_auc(y, pd.Series([0.9, 0.1, 0.8])) == 1.0


def test_metric_without_both_outcomes_is_nan_and_not_a_warning() -> None:
    none, every = classification([0, 0], [0.1, 0.2]), classification([1, 1], [0.1, 0.2])
    assert math.isnan(none["roc_auc"])
    assert math.isnan(none["average_precision"])
    assert math.isnan(every["roc_auc"])
    assert every["average_precision"] == 1.0
    assert none["brier"] == pytest.approx(0.025)


def test_certain_and_wrong_score_has_a_large_but_finite_log_loss() -> None:
    assert 15 < log_loss([1, 0], [0.0, 1.0]) < 100
    assert brier([1, 0], [0.0, 1.0]) == 1.0
    assert average_precision([1, 0], [0.0, 1.0]) == 0.5


@pytest.mark.parametrize(
    ("y", "score", "says"),
    [
        ([], [], "no rows to evaluate"),
        ([0, 1], [0.1], "do not go with"),
        ([0, 2], [0.1, 0.2], "must be 0 or 1, found 2"),
        ([0, 1], [0.1, float("nan")], "1 scores are missing"),
        ([0, 1], [0.1, 1.5], "1.5"),
    ],
)
def test_wrong_input_is_refused_with_what_is_wrong(
    y: list[int], score: list[float], says: str
) -> None:
    with pytest.raises(LakehouseError, match=says):
        classification(y, score)


def test_unequal_columns_and_no_places_are_refused() -> None:
    with pytest.raises(LakehouseError, match="2 outcomes for 1 days and 2 groups"):
        precision_at_k_per_day([0, 1], [0.1, 0.2], [1], ["a", "b"])
    with pytest.raises(LakehouseError, match="k = 0"):
        precision_at_k_per_day([0, 1], [0.1, 0.2], [1, 1], ["a", "b"], k=0)
