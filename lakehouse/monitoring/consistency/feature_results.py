"""A comparison as rows of the results table: nine metrics of each feature, and one of the answers.

What differs for a reason is a metric of its own, and may be none: `stale`, `skew`, `unplaced`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.monitoring.consistency.feature_counts import COUNTS, REASONS, FeatureCounts
from lakehouse.monitoring.results import FAIL, PASS, UNKNOWN, Result

ANSWERS, UNREAD = "answers", "unread"
HISTORY = "history"


def results(
    features: Sequence[FeatureCounts], unread: int, notes: Sequence[str]
) -> tuple[Result, ...]:
    """Every metric of the features, and how many answers nobody could compare."""
    if not features and not unread:
        return ()
    rows = [result for one in features for result in _of_feature(one)]
    rows.append(
        Result(
            ANSWERS,
            UNREAD,
            float(unread),
            verdict=UNKNOWN if unread else PASS,
            reference=HISTORY,
            threshold=0.0,
            cause=UNREAD if unread else None,
            message=_unread(unread) if unread else "",
            detail={"notes": list(notes)} if notes else None,
        )
    )
    return tuple(rows)


def summary(features: Sequence[FeatureCounts], unread: int) -> str:
    """What was found in a sentence or two."""
    if not features:
        return f"{_unread(unread)} Nothing was compared." if unread else "Nothing was served."
    compared = sum(one.counts["compared"] for one in features)
    different = sum(one.different for one in features)
    stale = sum(one.counts["stale"] for one in features)
    text = f"{compared:,} values of {len(features)} features: {different:,} differ"
    text += f", {stale:,} of them by lateness of the online store." if different else "."
    return f"{_unread(unread)} {text}" if unread else text


def _unread(number: int) -> str:
    return f"{number:,} answers were not compared, or not wholly."


def _of_feature(one: FeatureCounts) -> list[Result]:
    reasons = set(REASONS.values())
    rows = [
        _reason(one, name)
        if name in reasons
        else Result(one.feature, name, float(one.counts[name]), reference=HISTORY)
        for name in COUNTS
    ]
    return [*rows, Result(one.feature, "worst_difference", one.worst, reference=HISTORY)]


def _reason(one: FeatureCounts, reason: str) -> Result:
    number, examples = one.counts[reason], one.examples_of(reason)
    return Result(
        one.feature,
        reason,
        float(number),
        verdict=FAIL if number else PASS,
        reference=HISTORY,
        threshold=0.0,
        cause=reason if number else None,
        message=_sentence(examples[0]) if examples else "",
        detail={"examples": examples} if examples else None,
    )


def _sentence(example: dict[str, Any]) -> str:
    entity = ", ".join(f"{key} {value}" for key, value in example["entity"].items())
    return (
        f"{example['served']} was served and history says {example['history']} "
        f"({entity} at {example['asked_for']}, answer {example['id']})"
    )
