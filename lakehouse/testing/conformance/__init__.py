"""What every engine must do, as checks that an engine passes or fails.

A check is a function of an engine and an empty folder; it raises NotConforming with what is wrong.
Features are held against the plain loops of `lakehouse.testing.oracle`. To join the family, run
all of `CHECKS` on a new engine; `lakehouse.testing.mutations` shows that they notice mistakes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance import (
    aggregates,
    any_age,
    batches,
    functions,
    latest,
    operands,
    sequences,
    spines,
    tables,
    windows,
)
from lakehouse.testing.conformance.comparing import NotConforming

Check = Callable[[Engine, Path], None]

CHECKS: dict[str, Check] = {
    name: check
    for module in (
        windows,
        aggregates,
        functions,
        any_age,
        operands,
        sequences,
        latest,
        spines,
        tables,
        batches,
    )
    for name, check in vars(module).items()
    if name.startswith("check_")
}
"""Every check by its name."""

__all__ = ["CHECKS", "Check", "NotConforming"]
