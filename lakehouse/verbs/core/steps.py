"""What stages did, for people and machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakehouse.verbs.core.answer import DONE, LOOK, Answer, Line, Part, Rows

if TYPE_CHECKING:
    from lakehouse.sdk.stages import Step

PROBLEMS = 5
"""So many of a step's problems are shown."""


def answer(steps: Sequence[Step], title: str) -> Answer:
    """What each step did, then what a person should look at."""
    parts: list[Part] = [
        Rows([_row(s) for s in steps], title, right=("rows", "version", "seconds"))
    ]
    if not any(step.changed for step in steps):
        parts.append(Line("Nothing new: no commit was needed."))
    for step in steps:
        about = f"{step.stage} {step.target}"
        parts += [Line(problem, about) for problem in step.problems[:PROBLEMS]]
        if len(step.problems) > PROBLEMS:
            parts.append(Line(f"  … and {len(step.problems) - PROBLEMS} more"))
    code = LOOK if any(step.problems for step in steps) else DONE
    return Answer([vars(step) for step in steps], parts, code)


def _row(step: Step) -> dict[str, object]:
    return {
        "stage": step.stage,
        "target": step.target,
        "rows": step.rows,
        "version": step.version,
        "seconds": f"{step.seconds:.1f}",
        "": _facts(step) if step.changed else "unchanged",
    }


def _facts(step: Step) -> dict[str, object]:
    """What a table has room for: of a model, whether it serves and how well it ranks."""
    from lakehouse.records.models import HEADLINES

    if step.stage != "training":
        return step.facts
    return {k: v for k, v in step.facts.items() if k == "champion" or k in HEADLINES}
