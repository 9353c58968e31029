"""`features explain`: the rows behind a number."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, Facts, Rows
from lakehouse.verbs.core.common import At, DomainName, EntityKey
from lakehouse.verbs.core.parameters import Argument, Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb
from lakehouse.verbs.core.written import object_of


@verb("features explain")
def features_explain(
    session: Session,
    domain: DomainName,
    feature: Annotated[str, Argument("view.feature, as card_spend.payments_1d")],
    entity: EntityKey,
    at: At = None,
    limit: Annotated[int, Option("How many rows to show.")] = 20,
) -> Answer:
    """Show which rows made a number; personal columns that were not asked for are masked."""
    from lakehouse.sdk.lake import Lake
    from lakehouse.zones.violation import MASK

    key = object_of(entity)
    lake = Lake(session.folder)
    explained = lake.explain(domain, feature, key, at=at)
    name = feature.partition(".")[0]
    (view,) = (v for v in lake.domain(domain).stored_views if v.name == name)
    masked = {c.name for c in view.of.columns if c.personal} - set(key)
    rows = [
        {name: MASK if name in masked else value for name, value in row.items()}
        for row in explained.rows.slice(0, limit).to_pylist()
    ]
    of_window = {
        "feature": feature,
        "value": explained.value,
        "from": explained.begins_at,
        "until (not included)": explained.ends_at,
        "rows": explained.rows.num_rows,
        "in the window but not known yet": explained.excluded_late,
    }
    parts = (Facts(of_window), Rows(rows, "\nThe rows behind it"))
    return Answer({**vars(explained), "rows": rows}, parts)
