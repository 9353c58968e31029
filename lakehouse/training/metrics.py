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

IMPUTE = "an estimator that takes no missing values needs an imputer in its Pipeline."


def classification(y: npt.ArrayLike, score: npt.ArrayLike) -> dict[str, float]:
    """Return the metrics of scores between 0 and 1 beside the outcomes y (0, 1), by name.

    They are `rows`, `positives`, `roc_auc`, `average_precision`, `log_loss` and `brier`. One
    that is not defined, for want of a positive or a negative row, is NaN. Raises LakehouseError
    for no rows, columns of unequal length, and scores that are missing or no probabilities.

    >>> metrics = classification([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3])
    >>> metrics["rows"], metrics["positives"], metrics["roc_auc"]
    (4.0, 2.0, 0.75)
    """
    truth, scores = _checked(y, score)
    return {
        "rows": float(len(truth)),
        "positives": float(truth.sum()),
        "roc_auc": roc_auc(truth, scores),
        "average_precision": average_precision(truth, scores),
        "log_loss": log_loss(truth, scores),
        "brier": brier(truth, scores),
    }


def regression(y: npt.ArrayLike, value: npt.ArrayLike) -> dict[str, float]:
    """Return the metrics of predicted values beside the true ones, by name.

    They are `rows`, `mean_absolute_error` and `root_mean_squared_error` in the unit of y, and
    `r2`, NaN where y does not vary. Raises LakehouseError for no rows, columns of unequal
    length, and values that are missing or infinite.

    >>> regression([1.0, 3.0], [2.0, 3.0])["mean_absolute_error"]
    0.5
    """
    truth, values = _paired(y, value)
    if not np.isfinite(truth).all() or not np.isfinite(values).all():
        raise LakehouseError(
            f"{np.count_nonzero(~np.isfinite(truth))} true and "
            f"{np.count_nonzero(~np.isfinite(values))} predicted values are missing or infinite; "
            + IMPUTE
        )
    errors = values - truth
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return {
        "rows": float(len(truth)),
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "root_mean_squared_error": float(np.sqrt(np.mean(errors**2))),
        "r2": 1 - float(np.sum(errors**2)) / spread if spread else math.nan,
    }


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
    truth, scores = _paired(y, score)
    if strange := sorted({str(v) for v in truth[(truth != 0) & (truth != 1)]}):
        raise LakehouseError(f"Outcomes must be 0 or 1, found {', '.join(strange[:5])}.")
    inside = (scores >= 0) & (scores <= 1)
    if not inside.all():
        wrong = scores[~inside]
        raise LakehouseError(
            f"{len(wrong)} scores are missing or outside 0 … 1 (first: {wrong[0]}); {IMPUTE}"
        )
    return truth.astype(np.int8), scores


def _paired(
    y: npt.ArrayLike, score: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    truth, scores = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
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
    return truth, scores
