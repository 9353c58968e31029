"""Rebuild the curated tables of a domain whose inputs changed."""

import sys

from jobs.program import Program
from lakehouse.verbs.run import run

main = Program(run, __doc__, stages=["curated"])

if __name__ == "__main__":
    sys.exit(main())
