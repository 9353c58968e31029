"""What a score is worth on rows whose outcome is known.

Card precision@k is defined in Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine
Learning for Credit Card Fraud Detection (the Fraud Detection Handbook), chapter Performance
metrics, section Precision top-k metrics. The other figures are scikit-learn's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lakehouse.errors import LakehouseError

DAY = 86_400_000_000
"""Microseconds of a day."""


def evaluate(
    y: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    at: npt.ArrayLike | None = None,
    group: npt.ArrayLike | None = None,
    k: int = 100,
) -> dict[str, float]:
    """Return the metrics of scores between 0 and 1 beside the outcomes y (0, 1), by name.

    Always `rows`, `positives`, `roc_auc`, `average_precision`, `log_loss` and `brier`. With the
    times `at` (int64 microseconds since the epoch, or datetime64) and a `group` such as the
    card of each row, also `precision_at_100_per_day` (named after k). A metric that is not
    defined, for want of a positive or a negative row, is NaN. Raises LakehouseError for no rows,
    columns of unequal length, and scores that are missing or no probabilities.

    >>> metrics = evaluate([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3])
    >>> metrics["rows"], metrics["positives"], metrics["roc_auc"]
    (4.0, 2.0, 0.75)
    """
    truth, scores = _checked(y, score)
    if (at is None) != (group is None):
        raise LakehouseError(
            "Precision at k a day needs both the times (at) and the groups of the rows, or "
            "neither; one of them is missing."
        )
    metrics = {
        "rows": float(len(truth)),
        "positives": float(truth.sum()),
        "roc_auc": roc_auc(truth, scores),
        "average_precision": average_precision(truth, scores),
        "log_loss": log_loss(truth, scores),
        "brier": brier(truth, scores),
    }
    if at is not None and group is not None:
        name = f"precision_at_{k}_per_day"
        metrics[name] = precision_at_k_per_day(truth, scores, _day(at), group, k)
    return metrics


def roc_auc(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Return the area under the ROC curve; NaN unless both outcomes occur."""
    from sklearn.metrics import roc_auc_score

    truth, scores = _checked(y, score)
    return float(roc_auc_score(truth, scores)) if 0 < truth.sum() < len(truth) else math.nan


def average_precision(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Return the mean precision over the recalls gained, Σ (R_n − R_{n−1}) P_n; NaN if none."""
    from sklearn.metrics import average_precision_score

    truth, scores = _checked(y, score)
    return float(average_precision_score(truth, scores)) if truth.any() else math.nan


def log_loss(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Return the mean negative log-likelihood in nats, scores kept off 0 and 1 by an epsilon."""
    from sklearn.metrics import log_loss as mean_log_loss

    truth, scores = _checked(y, score)
    return float(mean_log_loss(truth, scores, labels=[0, 1]))


def brier(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Return the mean squared distance of the scores from the outcomes, between 0 and 1."""
    truth, scores = _checked(y, score)
    return float(np.mean((scores - truth) ** 2))


def precision_at_k_per_day(
    y: npt.ArrayLike,
    score: npt.ArrayLike,
    day: npt.ArrayLike,
    group: npt.ArrayLike,
    k: int = 100,
) -> float:
    """Return the mean over days of the share of compromised groups among the k ranked highest.

    On each day a group's score is the largest of its rows, and it is compromised if one of its
    rows is positive. The k groups of the largest scores are flagged (equal scores in the order
    of `group`), and the flagged ones that are compromised, divided by k even where fewer groups
    are left, are that day's precision. They are caught: the days after do not rank them again.

    On two days with k = 1, card "a" is caught on the first and leaves the second to "b":

    >>> day, card = [0, 0, 1, 1], ["a", "b", "a", "b"]
    >>> precision_at_k_per_day([1, 0, 1, 1], [0.9, 0.5, 0.9, 0.2], day, card, k=1)
    1.0
    """
    truth, scores = _checked(y, score)
    days = np.asarray(day)
    if not len(truth) == len(days) == len(np.asarray(group)):
        raise LakehouseError(
            f"There are {len(truth)} outcomes for {len(days)} days and "
            f"{len(np.asarray(group))} groups; give one of each for every row."
        )
    if k < 1:
        raise LakehouseError(f"k = {k} flags nothing; choose at least 1.")
    names, groups = np.unique(np.asarray(group), return_inverse=True)
    caught = np.zeros(len(names), dtype=bool)
    precisions = []
    for today in np.unique(days):
        rows = np.flatnonzero((days == today) & ~caught[groups])
        highest = np.full(len(names), -np.inf)
        np.maximum.at(highest, groups[rows], scores[rows])
        compromised = np.zeros(len(names), dtype=bool)
        np.logical_or.at(compromised, groups[rows], truth[rows] == 1)
        present = np.flatnonzero(highest > -np.inf)
        flagged = present[np.argsort(-highest[present], kind="stable")[:k]]
        found = flagged[compromised[flagged]]
        caught[found] = True
        precisions.append(len(found) / k)
    return float(np.mean(precisions))


def _checked(
    y: npt.ArrayLike, score: npt.ArrayLike
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    truth, scores = np.asarray(y), np.asarray(score, dtype=np.float64)
    if truth.shape != scores.shape or truth.ndim != 1:
        raise LakehouseError(
            f"Outcomes of shape {truth.shape} do not go with scores of shape {scores.shape}; "
            "give one of each for every row."
        )
    if not len(truth):
        raise LakehouseError(
            "There are no rows to evaluate; the test part of the split is empty: lengthen "
            "test_last, or take in later data."
        )
    outcomes = truth.astype(np.float64)
    if strange := sorted({str(v) for v in truth[(outcomes != 0) & (outcomes != 1)]}):
        raise LakehouseError(f"Outcomes must be 0 or 1, found {', '.join(strange[:5])}.")
    if not ((scores >= 0) & (scores <= 1)).all():
        wrong = scores[~((scores >= 0) & (scores <= 1))]
        raise LakehouseError(
            f"{len(wrong)} scores are missing or outside 0 … 1 (first: {wrong[0]}); an estimator "
            "that takes no missing values needs an imputer in its Pipeline."
        )
    return outcomes.astype(np.int8), scores


def _day(at: npt.ArrayLike) -> npt.NDArray[np.int64]:
    times = np.asarray(at)
    if times.dtype.kind == "M":
        times = times.astype("datetime64[us]").astype(np.int64)
    if times.dtype.kind != "i":
        raise LakehouseError(
            f"Times are int64 microseconds or datetime64, not {times.dtype}; of a column with a "
            'time zone take series.dt.tz_convert("UTC").dt.tz_localize(None).'
        )
    return np.asarray(times // DAY, dtype=np.int64)
