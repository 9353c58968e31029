"""What the command line prints: tables for people, JSON for machines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from lakehouse.errors import LakehouseError
from lakehouse.verbs.core.answer import Answer, Facts, Rows


@dataclass
class Output:
    """Where answers go: `as_json` prints one JSON document instead of tables."""

    as_json: bool = False
    console: Console = field(default_factory=lambda: Console(highlight=False))

    def answer(self, answer: Answer) -> None:
        """Print what a verb answers: its document under --json, else its parts."""
        if self.as_json:
            if answer.document is not None:
                self.document(answer.document)
            return
        for part in answer.parts:
            if isinstance(part, Rows):
                self.rows(part.rows, part.title, part.columns, part.right, part.empty)
            elif isinstance(part, Facts):
                self.facts(part.facts, part.title)
            else:
                about = f"[yellow]{escape(part.about)}[/yellow]: " if part.about else ""
                self.say(f"{about}{escape(part.text)}")

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, str], None]]:
        """What names the stage and target at work, beside a spinner; silent under --json."""
        with ExitStack() as shown:
            status: Status | None = None

            def tell(stage: str, target: str) -> None:
                nonlocal status
                if self.as_json:
                    return
                if status is None:
                    status = shown.enter_context(self.console.status("starting"))
                status.update(f"{stage}: {target}")

            yield tell

    def say(self, text: str) -> None:
        """Print a line for people; silent under --json."""
        if not self.as_json:
            self.console.print(text, soft_wrap=True)

    def rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        title: str = "",
        columns: Sequence[str] = (),
        right: Sequence[str] = (),
        empty: str = "nothing",
    ) -> None:
        """Print rows as a table, or as a JSON list of objects."""
        listed = [dict(r) for r in rows]
        if self.as_json:
            self.document(listed)
            return
        if not listed:
            self.console.print(f"{title}: {empty}" if title else empty)
            return
        names = list(columns) or list(listed[0])
        table = Table(
            title=title or None,
            title_justify="left",
            header_style="bold",
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
        )
        for name in names:
            table.add_column(
                name.replace("_", " "),
                overflow="fold",
                justify="right" if name in right else "left",
            )
        for row in listed:
            table.add_row(*(cell(row.get(name)) for name in names))
        self.console.print(table)

    def facts(self, facts: Mapping[str, Any], title: str = "") -> None:
        """Print names and values below each other, or as one JSON object."""
        if self.as_json:
            self.document(dict(facts))
            return
        table = Table(
            title=title or None,
            title_justify="left",
            show_header=False,
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
        )
        for name, value in facts.items():
            table.add_row(f"[bold]{name}[/bold]", cell(value))
        self.console.print(table)

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        json.dump(value, sys.stdout, default=str, indent=2)
        sys.stdout.write("\n")


def cell(value: Any) -> str:
    """A value as a person reads it: grouped thousands, four digits, UTC times to the second.

    >>> cell(1754155), cell(0.66491), cell(None), cell(True)
    ('1,754,155', '0.6649', '', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 2 else f"{value:.4f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {cell(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    text = str(value)
    # A recorded time, which carries microseconds to be sortable: seconds are enough to read.
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}Z$", r"\1 \2", text)


def fail(error: LakehouseError) -> None:
    """Print a platform error where errors go."""
    Console(stderr=True, highlight=False).print(
        f"[bold red]Error[/bold red] {error}", markup=True, soft_wrap=True
    )
