"""Metrics of scores: scikit-learn's where they exist, card precision against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.training.metrics import (
    DAY,
    average_precision,
    brier,
    evaluate,
    log_loss,
    precision_at_k_per_day,
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


def test_metrics_of_a_small_case_are_those_worked_out_by_hand() -> None:
    y, score = [0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3]
    at = [0, 1, DAY - 1, DAY]
    metrics = evaluate(y, score, at=at, group=["a", "b", "c", "a"], k=2)
    assert metrics == pytest.approx(
        {
            "rows": 4,
            "positives": 2,
            "roc_auc": 3 / 4,
            "average_precision": (1 + 2 / 3) / 2,
            "log_loss": -math.log(0.9 * 0.9 * 0.6 * 0.3) / 4,
            "brier": (0.01 + 0.01 + 0.16 + 0.49) / 4,
            "precision_at_2_per_day": 0.5,
        }
    )


def test_day_is_a_day_of_utc_whatever_holds_the_time() -> None:
    at = pd.Series(pd.to_datetime(["2018-07-25T23:59:59.999999", "2018-07-26T00:00:00.000000"]))
    cases = [at, at.to_numpy(), at.to_numpy().astype("datetime64[us]").astype(np.int64)]
    for times in cases:
        metrics = evaluate([1, 1], [0.9, 0.8], at=times, group=[7, 8], k=1)
        assert metrics["precision_at_1_per_day"] == 1.0
    with pytest.raises(LakehouseError, match="tz_convert"):
        evaluate([1, 1], [0.9, 0.8], at=at.dt.tz_localize("UTC"), group=[7, 8])


def test_boolean_series_are_taken_by_position_not_by_index() -> None:
    y = pd.Series([True, False, True], index=[2, 1, 0])
    assert roc_auc(y, pd.Series([0.9, 0.1, 0.8])) == 1.0


def test_metric_without_both_outcomes_is_nan_and_not_a_warning() -> None:
    none, every = evaluate([0, 0], [0.1, 0.2]), evaluate([1, 1], [0.1, 0.2])
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
        evaluate(y, score)


def test_times_without_groups_and_unequal_groups_are_refused() -> None:
    with pytest.raises(LakehouseError, match="needs both"):
        evaluate([0, 1], [0.1, 0.2], at=[0, 1])
    with pytest.raises(LakehouseError, match="2 outcomes for 1 days and 2 groups"):
        precision_at_k_per_day([0, 1], [0.1, 0.2], [1], ["a", "b"])
    with pytest.raises(LakehouseError, match="k = 0"):
        precision_at_k_per_day([0, 1], [0.1, 0.2], [1, 1], ["a", "b"], k=0)
