"""By which declarations the service answered: those of its releases."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.context import Context
from lakehouse.declare import compiled
from lakehouse.declare.features import View
from lakehouse.errors import LakehouseError
from lakehouse.records import releases


class Declarations:
    """The views of releases, and what a reader of the comparison has to know of them.

    `ctx` is pinned to the tables that there are. `notes` say of which view the declaration has
    changed since it answered, or is gone, and what cannot be compared, and why.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._today = {view.name: compiled.digest(view) for view in ctx.domain.views}
        self._released: dict[tuple[str, int], dict[str, View]] = {}
        self._digests: dict[int, tuple[View, str]] = {}
        self._lacking: set[tuple[str, int]] = set()
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def views(self, model: str, version: int) -> dict[str, View]:
        """The views of a release that can be computed anew, by name; none of a lost release."""
        known = self._released.get((model, version))
        if known is None:
            known = self._released[model, version] = self._read(model, version)
        return known

    def note_failure(self, views: Iterable[View], error: LakehouseError) -> None:
        """Note that what these views answered could not be computed anew."""
        names = ", ".join(view.name for view in views)
        self._note(f"Answers of {names} cannot be computed anew and are not compared: {error}")

    def lacks(self, model: str, version: int) -> bool:
        """Whether a view of a release cannot be computed anew."""
        return (model, version) in self._lacking

    def digest(self, views: Iterable[View]) -> tuple[str, ...]:
        """What tells these declarations from others."""
        digests = []
        for view in views:
            kept = self._digests.get(id(view))
            if kept is None:
                kept = self._digests[id(view)] = view, compiled.digest(view)
            digests.append(kept[1])
        return tuple(digests)

    def _read(self, model: str, version: int) -> dict[str, View]:
        where = f"Release {version} of model '{model}'"
        try:
            released = releases.read(self._ctx.home, self._ctx.domain.name, model, version)
        except LakehouseError as error:
            self._note(f"{where} cannot be read; what it answered is not compared: {error}")
            return {}
        learns_from = released.model.learns_from
        views: dict[str, View] = {}
        for view in (*learns_from.stored_views, *learns_from.request_views):
            if self._computable(view, where):
                self._compare_with_today(view, where)
                views[view.name] = view
            else:
                self._lacking.add((model, version))
        return views

    def _computable(self, view: View, where: str) -> bool:
        for stored in view.stored:
            table = self._ctx.table_of(stored.of).id
            if table not in (self._ctx.pins or {}):
                self._note(
                    f"{where}: view '{view.name}' is not compared: its table {table} is not in "
                    "the lake."
                )
                return False
        return True

    def _compare_with_today(self, view: View, where: str) -> None:
        today = self._today.get(view.name)
        if today is None:
            self._note(
                f"{where}: view '{view.name}' is not declared any more; its values were compared "
                "by the release's own declaration."
            )
        elif today != compiled.digest(view):
            self._note(
                f"{where}: view '{view.name}' is declared otherwise today; its values were "
                "compared by the release's own declaration."
            )

    def _note(self, text: str) -> None:
        self._notes.setdefault(text)
