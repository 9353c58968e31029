"""Rebuild the curated tables of a domain whose inputs changed."""

import sys
from collections.abc import Sequence

from jobs.stage import run_stage


def main(argv: Sequence[str] | None = None) -> int:
    return run_stage("curated", __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
