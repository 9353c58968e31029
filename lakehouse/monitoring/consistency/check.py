"""Consistency measured: every value that was served, held against the lake's history.

What the service answered lands in its logs with the moment it was asked for. The same features of
the same entities at the same moments are computed anew from the tables, as for training, and each
value is compared. Zero differences is what the platform promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from lakehouse.context import Context
from lakehouse.engines import delta
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.monitoring.consistency.declarations import Declarations
from lakehouse.monitoring.consistency.lateness import Lateness
from lakehouse.monitoring.consistency.recomputed import recompute
from lakehouse.monitoring.consistency.served_answers import Unread, answers
from lakehouse.monitoring.consistency.tallies import COUNTS, Tally, as_table, told
from lakehouse.records.store import Run

TABLE = "feature_consistency"
"""The curated table that each run appends its rows to."""


@dataclass(frozen=True)
class Consistency:
    """What one comparison found.

    `unread` are answers that were not compared, or not wholly, `notes` say why, and what else a
    reader has to know. `version` is that of the table after it, None where nothing was written.
    """

    tallies: tuple[Tally, ...]
    unread: int
    notes: tuple[str, ...]
    of_run: Mapping[str, Any]
    version: int | None = None

    @cached_property
    def table(self) -> Any:
        """One row for each feature, as in `feature_consistency`: an Arrow table."""
        return as_table(self.tallies, self.of_run)

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all features together."""
        return {name: sum(tally.counts[name] for tally in self.tallies) for name in COUNTS}

    def document(self) -> dict[str, Any]:
        """All that was found as plain data, for machines."""
        features = [
            {
                "view": tally.view,
                "feature": tally.feature,
                **tally.counts,
                "worst_difference": told(tally.worst),
                "examples": tally.examples,
            }
            for tally in self.tallies
        ]
        return {
            **{name: self.of_run[name] for name in ("run", "served_from", "served_until")},
            "version": self.version,
            "unread": self.unread,
            "notes": list(self.notes),
            "features": features,
        }

    def holds(self, allow_stale: bool = False) -> bool:
        """Whether every answer was compared and equal; `allow_stale`: or explained by lateness."""
        counts = self.counts
        excused = counts["stale"] if allow_stale else 0
        return self.unread == 0 and counts["compared"] == counts["equal"] + excused


def consistency(
    ctx: Context, served_from: datetime | None = None, served_until: datetime | None = None
) -> Consistency:
    """Compare what was served between two moments, and append the result to `feature_consistency`.

    The moments are those of answering, by the lake's clock; without them everything is compared.
    The caller holds the lake's writer lock. See `measured`.
    """
    if ctx.pins is not None:
        raise LakehouseError(
            "What is found is written in the lake as it is now alone, and this is one of the past."
        )
    if TABLE in {declared.name for declared in ctx.domain.tables}:
        raise LakehouseError(
            f"Domain '{ctx.domain.name}' declares a table '{TABLE}', the name of the comparison's "
            "own table; rename it."
        )
    path, application = ctx.path("curated", TABLE), ctx.table_id("curated", TABLE)
    number = max(delta.applied(path, application), 0) + 1
    asked = {"served_from": served_from, "served_until": served_until}
    with ctx.run("consistency", TABLE, **asked) as run:
        found = measured(ctx, served_from, served_until, run)
        if not found.tallies:
            return found
        version = ctx.engine.write(
            path, ctx.engine.from_arrow(found.table), "append", Transaction(application, number)
        )
        run.wrote(application, version, found.table.num_rows)
        return replace(found, version=version)


def measured(
    ctx: Context,
    served_from: datetime | None = None,
    served_until: datetime | None = None,
    run: Run | None = None,
) -> Consistency:
    """Compare what was served between two moments with history; nothing is written.

    Each view is computed by the declaration of the release that answered, at the newest versions
    of its tables, and where a value differs also at the version that the online store held.
    Counts, exact sums and stored values must be equal; floats that are computed may differ by 1e-9
    of the greater one, or of the sum of absolute values where they are made of sums. Logs are
    taken from the cleaned zone, some ten thousand answers at a time.
    """
    if served_from is not None and served_until is not None and served_from >= served_until:
        raise LakehouseError(
            f"Nothing is served from {served_from.isoformat()} until {served_until.isoformat()}; "
            "name a later end."
        )
    run = run or Run("", ctx.domain.name, "consistency", TABLE)
    pinned = replace(ctx, pins=_newest(ctx) if ctx.pins is None else ctx.pins)
    declarations, unread, lateness = Declarations(pinned), Unread(), Lateness(pinned)
    tallies: dict[str, Tally] = {}
    for some in answers(pinned, declarations, unread, served_from, served_until, run):
        try:
            found = recompute(pinned, some, some.views, run=run)
            why = lateness.why(some, found)
        except LakehouseError as error:  # one declaration that fails hides no other
            unread.answers += some.spine.num_rows
            declarations.note_failure(some.views, error)
            continue
        views = {view.name: view for view in some.views}
        for one in found:
            if one.places.size:
                view, name = views[one.feature.view], one.feature.dotted
                tally = tallies.setdefault(name, Tally(view.name, name))
                tally.add(some, view, one, why[one.feature.full_name])
    compared_at = ctx.records.now()
    of_run = {
        "run": run.run,
        "compared_at": compared_at,
        "served_from": served_from,
        "served_until": served_until,
        KNOWN_AT: compared_at,
    }
    done = Consistency(tuple(tallies.values()), unread.answers, declarations.notes, of_run)
    run.metrics |= done.counts | {
        "unread": unread.answers,
        "features": len(tallies),
        "also_at": {table: sorted(at) for table, at in sorted(lateness.compared_at.items())},
    }
    return done


def _newest(ctx: Context) -> dict[str, int]:
    """The version now of every table of the domain, so that all is compared with one state."""
    root = ctx.home.path / "tables"
    found = {}
    for log in sorted(root.glob(f"*/{ctx.domain.name}/*/_delta_log")):
        version = delta.version(log.parent)
        if version is not None:
            found[str(log.parent.relative_to(root))] = version
    return found
