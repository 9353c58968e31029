"""A lake in a notebook: tables as of any moment, features, training sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import StoredView, View
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.records import tags
from lakehouse.sdk import composition
from lakehouse.storage.catalog import ZONES, Catalog
from lakehouse.storage.tables import TableRef
from lakehouse.times import microseconds

if TYPE_CHECKING:
    import pandas as pd

    from lakehouse.features.explain import Explanation
    from lakehouse.features.online.write.materialise import Materialised
    from lakehouse.monitoring.checking import Checked
    from lakehouse.training.training_set import Built


class Lake:
    """One lake: `Lake()` opens the one in LAKEHOUSE_HOME.

    Answers are Arrow tables; `.to_pandas()` turns one into a DataFrame. `as_of` (a moment of the
    wall clock, by the records of the runs) or `tag` gives the lake as it stood then: every table,
    feature and training set is then read at the version it had.

    >>> Lake("/nowhere")
    Traceback (most recent call last):
    ...
    lakehouse.errors.LakeFormatError: There is no lake in /nowhere; make one with 'lakehouse demo' \
or 'lakehouse run', or name another folder in LAKEHOUSE_HOME.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        engine: str = "embedded",
        as_of: datetime | None = None,
        tag: str | None = None,
    ) -> None:
        self.home = composition.open_home(home)
        self.records = composition.open_records(self.home)
        self._catalog = Catalog.of(self.home.path)
        self.engine = engine
        self._contexts: dict[str, Context] = {}
        if as_of is not None and tag is not None:
            raise LakehouseError("Give as_of or tag, not both: each names one state of the lake.")
        self.pins: dict[str, int] | None = None
        if tag is not None:
            self.pins = tags.versions(self.records, tag)
        elif as_of is not None:
            self.pins = tags.versions_at(self.records, as_of)

    def at(self, as_of: datetime | None = None, *, tag: str | None = None) -> Lake:
        """The same lake as it stood at a moment or under a tag."""
        return Lake(self.home.path, engine=self.engine, as_of=as_of, tag=tag)

    def domain(self, name: str) -> Domain:
        """A domain's declarations; `name` is an installed domain's, or a Python file's path."""
        return self._context(name).domain

    def table(
        self, name: str, version: int | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Read a table: "domain.table" (cleaned or curated) or "zone/domain/table".

        Raises NotFound naming the tables there are.
        """
        found = self._table(name)
        if version is None and self.pins is not None:
            if found.id not in self.pins:
                raise NotFound(unknown("table", found.id, self.pins, "The lake at that moment"))
            version = self.pins[found.id]
        engine = self._engine()
        return engine.to_arrow(engine.read(found, version, columns))

    def historical_features(
        self,
        domain: str,
        entities: pd.DataFrame | pa.Table,
        features: Sequence[str],
        at: str = "at",
    ) -> pa.Table:
        """Add features to rows of entities and moments, each as it was known at its moment.

        `entities` holds the views' key columns, the moments in column `at` (times without a zone
        are UTC) and, for request-time features, the request's columns; every row comes back
        once, in order, with all its columns. `features` are "view.feature" or "view"; they come
        as columns `view__feature`.
        """
        from lakehouse.features.historical import historical
        from lakehouse.features.spine import typed

        ctx = self._context(domain)
        views = _views(ctx.domain, features)
        if not isinstance(entities, pa.Table):
            entities = pa.Table.from_pandas(entities, preserve_index=False)
        spine = typed(entities, at, views)
        frame = historical(ctx, ctx.engine.from_arrow(spine), at, views)
        answer = ctx.engine.to_arrow(frame)
        return answer.select([*spine.column_names, *_full_names(ctx.domain, features)])

    def features_of(
        self,
        domain: str,
        view: str,
        entity: Mapping[str, Any],
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """A stored view's features for one entity at a moment (default: the lake's clock)."""
        ctx = self._context(domain)
        moment = at or ctx.clock()
        spine = pa.Table.from_pylist([{**entity, "at": moment}])
        row = self.historical_features(domain, spine, [view]).to_pylist()[0]
        return {f.name: row[f.full_name] for f in ctx.domain.stored_view(view).features}

    def online_features(
        self,
        domain: str,
        view: str,
        entity: Mapping[str, Any],
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """The same values from the online store, as the service gives them."""
        from lakehouse.features.online.answering.reading import open_reader

        ctx = self._context(domain)
        found = ctx.domain.stored_view(view)
        _check_entity(found, entity)
        online = open_reader(self.home, ctx.domain.name, ctx.online, [found])
        keys = tuple(entity[k] for k in found.by.keys)
        try:
            values = online.get(found, keys, microseconds(at or ctx.clock()))
        finally:
            online.close()
        return {f.name: values[f.full_name] for f in found.features}

    def materialise(
        self,
        domain: str,
        view: str | None = None,
        *,
        full: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[str, Materialised]:
        """Bring the online store up to date with one view's table, or with those of all.

        With `since` and `until` every entity with a row in that interval of event time is read
        again. Takes the lake's writer lock.
        """
        from lakehouse.records.lock import writing
        from lakehouse.sdk.online import materialise

        ctx = self._context(domain)
        with writing(self.home.path):
            return materialise(ctx, view, full, since, until)

    def push(self, domain: str, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Push rows of a table into every materialised view of it; returns their names.

        A missing nullable column is null; without `_known_at` a row is known when its contract
        says, else now by the lake's clock. A row counts once, however often it is pushed. The
        table does not get it: deliver it to its source too.
        """
        from lakehouse.sdk.online import push

        return push(self._context(domain), table, rows)

    def explain(
        self,
        domain: str,
        feature: str,
        entity: Mapping[str, Any],
        at: datetime | None = None,
    ) -> Explanation:
        """Which rows made a feature's value ("view.feature") at a moment."""
        from lakehouse.features.explain import explain

        ctx = self._context(domain)
        view_name, _, feature_name = feature.partition(".")
        view = ctx.domain.stored_view(view_name)
        _check_entity(view, entity)
        return explain(ctx, view, feature_name, entity, at or ctx.clock())

    def training_set(self, domain: str, name: str, as_of: datetime | None = None) -> Built:
        """Build a training set for a moment (default: the lake's clock), with its digest."""
        from lakehouse.training.training_set import build

        ctx = self._context(domain)
        return build(ctx, ctx.domain.training_set(name), as_of or ctx.clock())

    def scores(
        self,
        domain: str,
        model: str,
        table: str | None = None,
        since: datetime | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Score a table's rows as `lakehouse score` does, and return them; nothing is written.

        `table` is by default the one that the model learns from; `since` scores only rows from
        that moment on, `version` another one than the champion.
        """
        from lakehouse.registry.scoring import scores

        ctx = self._context(domain)
        frame = scores(ctx, ctx.domain.model(model), table, since, version)
        return ctx.engine.to_arrow(frame)

    def check(
        self,
        domain: str,
        name: str,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> Checked:
        """Run a check over what happened between two moments; nothing is written.

        `.table` of the answer is an Arrow table with the rows that `lakehouse check` would append,
        `.findings.holds()` says whether nothing falls short, `.findings.notes` what else is to be
        known. Raises NotFound naming the checks there are.
        """
        from lakehouse.monitoring.check import Period, load
        from lakehouse.monitoring.checking import measured

        return measured(self._context(domain), load(name), Period(begin, end))

    def tables(self) -> list[str]:
        """The tables there are, as "zone/domain/table"."""
        return [table.id for table in self._catalog.tables()]

    def _engine(self) -> Any:
        from lakehouse.engines import protocol

        return protocol.load(self.engine)

    def _context(self, domain: str) -> Context:
        if domain not in self._contexts:
            opened = composition.open_context(self.home, domain, self.engine)
            self._contexts[domain] = dataclasses.replace(opened, pins=self.pins)
        return self._contexts[domain]

    def _table(self, name: str) -> TableRef:
        parts = tuple(name.split("/")) if "/" in name else tuple(name.split("."))
        if len(parts) == 3 and parts[0] in ZONES:
            places = [parts]
        elif len(parts) == 2:
            places = [(zone, *parts) for zone in ("cleaned", "curated", "raw", "training")]
        else:
            raise NotFound(f"'{name}' names no table: write 'domain.table' or 'zone/domain/table'.")
        for zone, domain, table in places:
            found = self._catalog.table(zone, domain, table)
            if found.exists():
                return found
        raise NotFound(unknown("table", name, self.tables(), f"The lake in {self.home.path}"))


def _views(domain: Domain, features: Sequence[str]) -> list[View]:
    names = dict.fromkeys(f.partition(".")[0] for f in features)
    return [domain.view(name) for name in names]


def _full_names(domain: Domain, features: Sequence[str]) -> list[str]:
    full = []
    for text in features:
        name, _, feature = text.partition(".")
        view = domain.view(name)
        wanted = [view[feature]] if feature else view.features
        full += [f.full_name for f in wanted]
    return full


def _check_entity(view: StoredView, entity: Mapping[str, Any]) -> None:
    missing = [k for k in view.by.keys if k not in entity]
    if missing:
        raise LakehouseError(
            f"Entity '{view.by.name}' of view '{view.name}' needs {', '.join(view.by.keys)}; "
            f"missing: {', '.join(missing)}."
        )
