"""What every verb is handed: the lake's folder, and whom to tell how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lakehouse.context import Context
    from lakehouse.declare.domain import Domain
    from lakehouse.records.home import Clock, Home
    from lakehouse.records.store import Records


@dataclass(frozen=True)
class Session:
    """One call of a verb, which opens the lake as it needs it.

    `progress` is told each stage and target before it starts; `confirm` asks whether to go on;
    where there is nobody to ask nothing is agreed to.
    """

    folder: Path
    progress: Callable[[str, str], None] = lambda stage, target: None
    confirm: Callable[[str], bool] = lambda question: False

    @staticmethod
    def of(
        home: str | Path | None,
        progress: Callable[[str, str], None] = lambda stage, target: None,
        confirm: Callable[[str], bool] = lambda question: False,
    ) -> Session:
        """A session in the folder given, else in LAKEHOUSE_HOME, else in ~/.lakehouse."""
        from lakehouse.sdk.composition import home_folder

        return Session(home_folder(home), progress, confirm)

    def home(self, create: Clock | None = None) -> Home:
        """The lake, made with the clock given in `create` where there is none."""
        from lakehouse.sdk.composition import open_home

        return open_home(self.folder, create)

    def records(self) -> Records:
        """The lake's records."""
        from lakehouse.sdk.composition import open_records

        return open_records(self.home())

    def domain(self, name: str) -> Domain:
        """The declarations of a domain, by name or by the Python file that declares it."""
        from lakehouse.sdk.composition import load_domain

        return load_domain(name)

    def context(
        self, domain: str, engine: str = "embedded", create: Clock | None = None
    ) -> Context:
        """A domain in the lake, by name or by the Python file that declares it."""
        from lakehouse.sdk.composition import open_context

        return open_context(self.home(create), domain, engine)
