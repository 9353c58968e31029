"""Take waiting deliveries into the raw tables of a domain."""

import sys

from jobs.program import Program
from lakehouse.verbs.run import run

main = Program(run, __doc__, stages=["raw"])

if __name__ == "__main__":
    sys.exit(main())
