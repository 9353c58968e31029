"""`maintain`: compaction, checkpoints, and the removal of what nothing names."""

from __future__ import annotations

from typing import Annotated

from lakehouse.verbs.core.answer import Answer, rows
from lakehouse.verbs.core.common import Wait
from lakehouse.verbs.core.parameters import Option
from lakehouse.verbs.core.session import Session
from lakehouse.verbs.core.verb import verb


@verb("maintain")
def maintain(
    session: Session,
    keep_days: Annotated[
        int | None, Option("Let go of versions that only runs older than this name.")
    ] = None,
    dry_run: Annotated[bool, Option("Only say what would be done.", ("--dry-run",))] = False,
    wait: Wait = 0.0,
) -> Answer:
    """Compact tables and remove files that no tag, run, model or decision names.

    Every version that a recorded run read or wrote is kept, unless --keep-days lets go of old
    ones; tagged versions and those a model was made from are kept in any case.
    """
    from lakehouse.records.lock import writing
    from lakehouse.zones.maintain import maintain as maintain_lake

    home = session.home()
    with writing(home.path, wait):
        done = maintain_lake(home, session.records(), keep_days=keep_days, dry_run=dry_run)
    return rows(
        [vars(table) for table in done],
        "Would be done" if dry_run else "Maintained",
        right=("files_before", "files_after", "removed", "bytes_removed", "pinned"),
        empty="no tables yet",
    )
