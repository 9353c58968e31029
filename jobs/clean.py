"""Clean new raw rows of a domain against their contracts."""

import sys
from collections.abc import Sequence

from jobs.stage import run_stage


def main(argv: Sequence[str] | None = None) -> int:
    return run_stage("cleaned", __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
