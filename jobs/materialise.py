"""Bring the online store of a domain up to date."""

import sys
from collections.abc import Sequence

from jobs.stage import run_stage


def main(argv: Sequence[str] | None = None) -> int:
    return run_stage("features", __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
