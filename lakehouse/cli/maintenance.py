"""`lakehouse maintain`: compaction, checkpoints, and the removal of what nothing names."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.state import state


def add(app: typer.Typer) -> None:
    app.command()(maintain)


def maintain(
    context: typer.Context,
    keep_days: Annotated[
        int | None,
        typer.Option(help="Let go of versions that only runs older than this name."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Compact tables and remove files that no tag, run, model or decision names.

    Every version that a recorded run read or wrote is kept, unless --keep-days lets go of old
    ones; tagged versions and those a model was made from are kept in any case.
    """
    from lakehouse.records.lock import writing
    from lakehouse.zones.maintain import maintain as maintain_lake

    here = state(context)
    home = here.home()
    with writing(home.path):
        done = maintain_lake(home, here.records(), keep_days=keep_days, dry_run=dry_run)
    here.output.rows(
        [vars(table) for table in done],
        "Would be done" if dry_run else "Maintained",
        right=("files_before", "files_after", "removed", "bytes_removed", "pinned"),
        empty="no tables yet",
    )
