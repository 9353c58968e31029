"""Pictures of a model's quality, as PNG bytes.

They are drawn by matplotlib's Agg backend on figures of their own: no display is needed, no
global state is left behind, and the same numbers give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lakehouse.training.importance import Importances, importances

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, BLUE, ORANGE, GREY = "#22303c", "#1f6f9f", "#d9772b", "#9aa5ae"
MOST = 20
"""At most so many bars, so that each can be read."""

LETTER = 0.095
"""Inches that a letter of a label takes at most, on average: matplotlib would lay out all twice."""

STYLE: dict[Any, Any] = {
    "font.size": 10.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titlepad": 12.0,
    "grid.color": "#e6eaed",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    # room for title and labels, which matplotlib would find out by laying out all text once more
    "figure.subplot.left": 0.13,
    "figure.subplot.right": 0.97,
    "figure.subplot.bottom": 0.12,
    "figure.subplot.top": 0.92,
    "figure.subplot.hspace": 0.12,
}


def pictures(
    estimator: Any, inputs: Sequence[str], labels: npt.ArrayLike, scores: npt.ArrayLike
) -> dict[str, bytes]:
    """Return the pictures that suit an estimator, by name.

    A classifier has "roc", "precision_recall" and "calibration" where both outcomes occur, a
    regressor "predicted"; both "importances" where the estimator gives them.
    """
    from sklearn.base import is_classifier

    y, score = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    drawn: dict[str, bytes] = {}
    if not is_classifier(estimator):
        drawn["predicted"] = predicted(y, score)
    elif 0 < y.sum() < len(y):
        drawn["roc"] = roc(y, score)
        drawn["precision_recall"] = precision_recall(y, score)
        drawn["calibration"] = calibration(y, score)
    weights = importances(estimator, inputs)
    if weights is not None:
        drawn["importances"] = importance_bars(weights)
    return drawn


def roc(y: npt.ArrayLike, score: npt.ArrayLike) -> bytes:
    """Draw the ROC curve: the share of positives found for each share of negatives flagged."""
    from sklearn.metrics import roc_auc_score, roc_curve

    false, true, _ = roc_curve(y, score)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="by chance")
        axes.plot(false, true, color=BLUE, label=f"model, area {roc_auc_score(y, score):.3f}")
        axes.set_title("ROC curve")
        axes.set_xlabel("negatives flagged (false positive rate, share)")
        axes.set_ylabel("positives found (true positive rate, share)")
        _unit_square(axes)
        axes.legend(loc="lower right")

    return _png(draw)


def precision_recall(y: npt.ArrayLike, score: npt.ArrayLike) -> bytes:
    """Draw precision against recall, beside the precision of flagging at random."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(y, score)
    base = float(np.mean(np.asarray(y, dtype=float)))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        chance = f"by chance, {base:.2%} positive"
        axes.axhline(base, color=GREY, linestyle="--", linewidth=1.2, label=chance)
        area = f"model, average precision {average_precision_score(y, score):.3f}"
        axes.step(recall, precision, where="post", color=BLUE, label=area)
        axes.set_title("Precision and recall")
        axes.set_xlabel("recall (share of the positives that are flagged)")
        axes.set_ylabel("precision (share of the flagged that are positive)")
        _unit_square(axes)
        axes.legend(loc="upper right")

    return _png(draw)


def calibration(y: npt.ArrayLike, score: npt.ArrayLike, bins: int = 10) -> bytes:
    """Draw the share of positives in each band of scores, with 95 % intervals and row counts.

    The intervals are Wilson's for a binomial share: Wilson, Probable inference, the law of
    succession, and statistical inference (1927).
    """
    from matplotlib.ticker import EngFormatter

    truth, scores = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    edges = np.linspace(0, 1, bins + 1)
    band = np.clip(np.digitize(scores, edges) - 1, 0, bins - 1)
    rows = np.bincount(band, minlength=bins)
    full = np.flatnonzero(rows)
    mean = np.bincount(band, scores, bins)[full] / rows[full]
    share = np.bincount(band, truth, bins)[full] / rows[full]
    low, high = _wilson(share, rows[full])

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="calibrated")
        upper.errorbar(
            mean,
            share,
            yerr=np.maximum(0, [share - low, high - share]),
            fmt="o-",
            color=BLUE,
            ecolor=BLUE,
            elinewidth=1.2,
            capsize=3,
            markersize=5,
            label="model, 95 % interval",
        )
        upper.set_title("Calibration")
        upper.set_ylabel("positive (share of the band)")
        _unit_square(upper)
        upper.legend(loc="upper left")
        lower.bar(edges[:-1], rows, width=1 / bins, align="edge", color=BLUE, edgecolor="white")
        lower.set_yscale("log")
        lower.yaxis.set_major_formatter(EngFormatter(sep=""))
        lower.minorticks_off()
        lower.set_ylim(bottom=0.7)
        lower.set_ylabel("rows (log)")
        lower.set_xlabel("score (predicted probability)")

    return _png(draw, height=5.6)


def predicted(y: npt.ArrayLike, value: npt.ArrayLike) -> bytes:
    """Draw how many rows lie at each pair of true and predicted value."""
    truth, values = np.asarray(y, dtype=float), np.asarray(value, dtype=float)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        ends = [min(truth.min(), values.min()), max(truth.max(), values.max())]
        cells = axes.hexbin(truth, values, gridsize=45, bins="log", cmap="Blues", mincnt=1)
        axes.plot(ends, ends, color=ORANGE, linestyle="--", linewidth=1.2, label="exact")
        axes.set_title("Predicted and true values")
        axes.set_xlabel("true value (unit of the label)")
        axes.set_ylabel("predicted value (unit of the label)")
        axes.legend(loc="upper left")
        figure.colorbar(cells, ax=axes, label="rows (log)")

    return _png(draw, layout="constrained")


def importance_bars(importances: Importances) -> bytes:
    """Draw the largest importances as bars, the largest on top."""
    shown = list(importances.weights.items())[:MOST][::-1]
    left = len(importances.weights) - len(shown)
    names = [name for name, _ in shown]
    labels = max(map(len, names)) * LETTER + 0.25
    width, height = labels + 5.4, 1.6 + 0.3 * len(shown)

    def draw(figure: Figure) -> None:
        figure.subplots_adjust(labels / width, 0.6 / height, 1 - 0.2 / width, 1 - 0.5 / height)
        axes = figure.subplots()
        bars = axes.barh(names, [w for _, w in shown], color=BLUE)
        axes.bar_label(bars, fmt="%.3g", padding=4, fontsize=9, color=INK)
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")
        axes.set_title("Importance of the inputs" + (f" ({left} smaller left out)" if left else ""))
        axes.set_xlabel(importances.unit)

    return _png(draw, width, height)


def _wilson(
    share: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], z: float = 1.96
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    return middle - half, middle + half


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)


def _png(
    draw: Callable[[Figure], None],
    width: float = 6.4,
    height: float = 4.8,
    layout: Literal["constrained"] | None = None,
) -> bytes:
    """Draw a figure; "constrained" finds out how much room labels of any length take."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=140, layout=layout)
        draw(figure)
        out = io.BytesIO()
        # without the name and version of the software the bytes depend on the picture alone
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
