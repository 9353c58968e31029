"""The command line: `lakehouse`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a platform error becomes its message and exit code 1."""
    from lakehouse.verbs.core.process import collect_seldom

    collect_seldom()
    from lakehouse.cli.app import app
    from lakehouse.cli.output import fail
    from lakehouse.errors import LakehouseError

    # A global option may stand anywhere, as in `lakehouse status --json`.
    arguments = sys.argv[1:]
    if "--json" in arguments:
        arguments = ["--json", *(a for a in arguments if a != "--json")]
    try:
        app(arguments)
    except LakehouseError as error:
        fail(error)
        sys.exit(1)
