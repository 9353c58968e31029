"""Take waiting deliveries into the raw tables of a domain."""

import sys
from collections.abc import Sequence

from jobs.stage import run_stage


def main(argv: Sequence[str] | None = None) -> int:
    return run_stage("raw", __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
