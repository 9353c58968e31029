"""Train the models of a domain, register them, and let their gates decide."""

import sys
from collections.abc import Sequence

from jobs.stage import run_stage


def main(argv: Sequence[str] | None = None) -> int:
    return run_stage("training", __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
