"""What every command is handed: where the lake is, and where to print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from lakehouse.cli.output import Output
from lakehouse.errors import LakehouseError
from lakehouse.verbs.core.session import Session


@dataclass(frozen=True)
class State:
    """The folder and the output of one call of the command line."""

    folder: Path
    output: Output

    @staticmethod
    def of(home: Path | None, as_json: bool) -> State:
        return State(Session.of(home).folder, Output(as_json))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for a verb, with a line that says what is at work, until it is done."""
        with self.output.progress() as progress:
            yield Session(self.folder, progress, typer.confirm)


def state(context: typer.Context) -> State:
    """The state that the options made."""
    made = context.find_object(State)
    if made is None:
        raise LakehouseError("The command line was started without its options.")
    return made
