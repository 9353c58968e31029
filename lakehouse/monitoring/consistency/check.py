"""Consistency measured: every value that was served, held against the lake's history.

What the service answered lands in its logs with the moment it was asked for. The same features of
the same entities at the same moments are computed anew from the tables, as for training, and each
value is compared. Zero differences is what the platform promises.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.context import Context
from lakehouse.errors import LakehouseError
from lakehouse.monitoring.check import Findings, Period
from lakehouse.monitoring.consistency.declarations import Declarations
from lakehouse.monitoring.consistency.feature_counts import COUNTS, FeatureCounts
from lakehouse.monitoring.consistency.feature_results import results, summary
from lakehouse.monitoring.consistency.lateness import Lateness
from lakehouse.monitoring.consistency.recomputed import recompute
from lakehouse.monitoring.consistency.served_answers import Unread, answers
from lakehouse.records.store import Run


@dataclass(frozen=True)
class Comparison:
    """What was served, compared feature by feature.

    `unread` are answers that were not compared, or not wholly, `notes` say why, and what else a
    reader has to know.
    """

    features: tuple[FeatureCounts, ...]
    unread: int
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all features together."""
        return {name: sum(one.counts[name] for one in self.features) for name in COUNTS}

    def findings(self) -> Findings:
        """The comparison as a check's results."""
        return Findings(
            results(self.features, self.unread, self.notes),
            summary(self.features, self.unread),
            self.notes,
        )


class ConsistencyCheck:
    """Whether what was served is what the history of the lake says."""

    name = "consistency"

    def measure(self, ctx: Context, period: Period, run: Run) -> Findings:
        """Compare what was answered in the period with history; see `compare_served`."""
        return compare_served(ctx, period, run).findings()


def compare_served(ctx: Context, period: Period, run: Run) -> Comparison:
    """Compare what was served in a period with history; nothing is written.

    Each view is computed by the declaration of the release that answered, at the versions of its
    tables that `ctx` is pinned to, and where a value differs also at the version that the online
    store held. Counts, exact sums and stored values must be equal; floats that are computed may
    differ by 1e-9 of the greater one, or of the sum of absolute values where they are made of sums.
    Logs are taken from the cleaned zone, some ten thousand answers at a time.
    """
    declarations, unread, lateness = Declarations(ctx), Unread(), Lateness(ctx)
    features: dict[str, FeatureCounts] = {}
    for some in answers(ctx, declarations, unread, period, run):
        try:
            compared = recompute(ctx, some, some.views, run=run)
            why = lateness.why(some, compared)
        except LakehouseError as error:  # one declaration that fails hides no other
            unread.answers += some.spine.num_rows
            declarations.note_failure(some.views, error)
            continue
        views = {view.name: view for view in some.views}
        for one in compared:
            if one.places.size:
                view, name = views[one.feature.view], one.feature.dotted
                counts = features.setdefault(name, FeatureCounts(view.name, name))
                counts.add(some, view, one, why[one.feature.full_name])
    done = Comparison(tuple(features.values()), unread.answers, declarations.notes)
    run.metrics |= done.counts | {
        "unread": unread.answers,
        "features": len(features),
        "also_at": {table: sorted(at) for table, at in sorted(lateness.compared_at.items())},
    }
    return done
