"""What every command is handed: the lake's folder and where to print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lakehouse.cli.output import Output
from lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from lakehouse.context import Context
    from lakehouse.records.home import Clock, Home
    from lakehouse.records.store import Records


@dataclass(frozen=True)
class State:
    """The folder and the output of one call of the command line."""

    folder: Path
    output: Output

    @staticmethod
    def of(home: Path | None, as_json: bool) -> State:
        from lakehouse.sdk.composition import home_folder

        return State(home_folder(home), Output(as_json))

    def home(self, create: Clock | None = None) -> Home:
        from lakehouse.sdk.composition import open_home

        return open_home(self.folder, create)

    def records(self) -> Records:
        from lakehouse.sdk.composition import open_records

        return open_records(self.home())

    def context(
        self, domain: str, engine: str = "embedded", create: Clock | None = None
    ) -> Context:
        from lakehouse.sdk.composition import open_context

        return open_context(self.home(create), domain, engine)


def state(context: typer.Context) -> State:
    """The state that the options made."""
    found = context.find_object(State)
    if found is None:
        raise LakehouseError("The command line was started without its options.")
    return found


def moment(text: str | None) -> datetime | None:
    """Read a moment: ISO 8601, UTC where it names no zone; raises LakehouseError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise LakehouseError(
            f"'{text}' is not a moment: write 2018-09-30 or 2018-09-30T12:00:00Z."
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
