"""The gate: what a candidate must show on the test rows before it may serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.declare.training import Gate
from lakehouse.errors import LakehouseError, unknown


@dataclass(frozen=True)
class Verdict:
    """Whether every claim holds, and one line for each claim with its figures."""

    passed: bool
    lines: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The claims that do not hold."""
        return tuple(line for line in self.lines if line.startswith("refused"))


def judge(
    gate: Gate,
    metrics: Mapping[str, float],
    champion: Mapping[str, float] | None,
    share_departing: float,
) -> Verdict:
    """Hold a candidate's metrics against its gate.

    `champion` holds the champion's metrics on the same test rows, None while there is none.
    `share_departing` is the share of test rows on which the served model departs from the
    fitted one by more than 0.001. Raises LakehouseError for a metric that was not computed.
    """
    lines = []
    for claim in gate.claims:
        if claim.metric not in metrics:
            raise LakehouseError(unknown("metric", claim.metric, metrics, "The gate's candidate"))
        value = metrics[claim.metric]
        if claim.kind == "at_least":
            lines.append(_line(value >= claim.value, f"{claim.metric} {value:.4f} ≥ {claim.value}"))
        elif claim.kind == "at_most":
            lines.append(_line(value <= claim.value, f"{claim.metric} {value:.4f} ≤ {claim.value}"))
        elif champion is None:
            lines.append(f"passed: {claim.metric} {value:.4f}, no champion to beat")
        else:
            best = champion[claim.metric]
            beaten = value > best and value >= best + claim.value
            lines.append(
                _line(
                    beaten,
                    f"{claim.metric} {value:.4f} ≥ champion's {champion[claim.metric]:.4f} "
                    f"+ {claim.value}",
                )
            )
    lines.append(
        _line(
            share_departing <= gate.max_difference,
            f"served departs from fitted on {share_departing:.5f} ≤ {gate.max_difference} "
            "of the rows",
        )
    )
    return Verdict(not any(line.startswith("refused") for line in lines), tuple(lines))


def _line(holds: bool, claim: str) -> str:
    return f"passed: {claim}" if holds else f"refused: {claim} does not hold"
