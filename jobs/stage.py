"""What the stage jobs share: their arguments, the lake's lock, and a line a step."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from lakehouse.records.lock import writing
from lakehouse.sdk.composition import open_context, open_home
from lakehouse.sdk.stages import run


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The arguments that every job takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("domain", help="a domain by name, or the Python file that declares one")
    parser.add_argument("--home", help="the lake's folder; default: LAKEHOUSE_HOME")
    parser.add_argument("--engine", default="embedded", help="which engine works")
    parser.add_argument("--wait", type=float, default=600.0, help="seconds to wait for a writer")
    return parser


def moment(text: str) -> datetime:
    """A moment as ISO 8601 has it, in UTC; one that names no zone is of UTC."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def run_stage(stage: str, description: str | None, argv: Sequence[str] | None) -> int:
    """Run one stage of a domain; see `run_stages`."""
    return run_stages(arguments(description).parse_args(argv), (stage,))


def run_stages(given: argparse.Namespace, stages: Sequence[str]) -> int:
    """Run stages of a domain; print one JSON object a step; 3 if a person should look."""
    home = open_home(given.home, create="wall")
    ctx = open_context(home, given.domain, given.engine)
    with writing(home.path, given.wait):
        steps = run(ctx, stages)
    for step in steps:
        print(json.dumps(vars(step), default=str))
    return 3 if any(step.problems for step in steps) else 0
