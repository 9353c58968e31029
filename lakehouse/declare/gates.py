"""Gates: what a candidate model must show before it may serve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from lakehouse.declare.arguments import one
from lakehouse.declare.calls import declares
from lakehouse.declare.fields import set_fields
from lakehouse.errors import DeclarationError, described, unknown

Task = Literal["classification", "regression"]
ROWS = ("rows", "positives")
HIGHER: dict[Task, tuple[str, ...]] = {
    "classification": ("roc_auc", "average_precision", "precision_at_100"),
    "regression": ("r2",),
}
LOWER: dict[Task, tuple[str, ...]] = {
    "classification": ("log_loss", "brier"),
    "regression": ("mean_absolute_error", "root_mean_squared_error"),
}
"""Metrics by task: better when higher, better when lower. `precision_at_100` needs a group."""


def metrics_of(task: Task, group: bool) -> tuple[str, ...]:
    """The metrics that training measures for a task, with or without a group.

    >>> metrics_of("regression", group=False)
    ('rows', 'r2', 'mean_absolute_error', 'root_mean_squared_error')
    """
    rows = ROWS if task == "classification" else ROWS[:1]
    found = (*rows, *HIGHER[task], *LOWER[task])
    return found if group else tuple(m for m in found if m != "precision_at_100")


@dataclass(frozen=True)
class Claim:
    """One condition of a gate on a metric of the served model.

    "at_least" and "at_most" compare with `value`; "beats" asks for `value` more than the
    champion has on the same test rows (passed while there is no champion).
    """

    kind: Literal["at_least", "at_most", "beats"]
    metric: str
    value: float

    def __post_init__(self) -> None:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise DeclarationError(
                f"{self.kind}('{self.metric}', …) was given {described(value)}; write a number."
            )


@declares("at_least('roc_auc', 0.8)")
def at_least(metric: str, value: float) -> Claim:
    """Claim that a metric reaches a value."""
    return Claim("at_least", metric, value)


@declares("at_most('brier', 0.1)")
def at_most(metric: str, value: float) -> Claim:
    """Claim that a metric stays at or below a value."""
    return Claim("at_most", metric, value)


@declares("beats('champion', 'roc_auc')")
def beats(champion: Literal["champion"], metric: str, by: float = 0.0) -> Claim:
    """Claim that a metric exceeds the champion's, on the same test rows, by at least `by`."""
    if champion != "champion":
        raise DeclarationError(
            f"beats('{champion}', …): only the champion can be beaten; write "
            f"beats('champion', '{metric}')."
        )
    return Claim("beats", metric, by)


@declares("Gate(at_least('roc_auc', 0.8))")
@dataclass(frozen=True, init=False)
class Gate:
    """What a candidate must show to become champion; every claim must hold.

    `max_difference` bounds how far the served ONNX model may depart from the fitted estimator,
    as the share of test rows whose scores differ by more than 0.001.
    """

    claims: tuple[Claim, ...]
    max_difference: float

    def __init__(self, *claims: Claim, max_difference: float = 0.001) -> None:
        for claim in claims:
            one("Gate", "a claim", claim, (Claim,), "at_least(...), at_most(...) or beats(...)")
        number = isinstance(max_difference, int | float) and not isinstance(max_difference, bool)
        if not number or not 0 <= max_difference <= 1:
            raise DeclarationError(
                f"Gate: max_difference={max_difference} is a share of the test rows; write a "
                "number between 0 and 1."
            )
        set_fields(self, claims=claims, max_difference=max_difference)


def check_gate(gate: Gate, task: Task, group: bool, where: str) -> None:
    """Refuse claims on metrics that are not measured, or that cannot be beaten upwards."""
    measured = metrics_of(task, group)
    for claim in gate.claims:
        one(f"{where}, gate", "a metric", claim.metric, (str,), f"{claim.kind}('roc_auc', …)")
        if claim.metric not in metrics_of(task, group=True):
            raise DeclarationError(
                unknown("metric", claim.metric, measured, f"{where}, gate: a {task}")
            )
        if claim.metric not in measured:
            raise DeclarationError(
                f"{where}, gate: metric '{claim.metric}' needs the model's group, the column whose "
                "values it counts each day; write group='card_id'."
            )
        if claim.kind == "beats" and claim.metric not in HIGHER[task]:
            raise DeclarationError(
                f"{where}, gate: beats asks for more of '{claim.metric}' than the champion has, "
                "which is not better; claim at_most, or beat another metric: "
                f"{', '.join(HIGHER[task])}."
            )
