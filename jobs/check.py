"""Run checks of a domain and append what they find; a scheduler runs it after cleaning."""

import sys

from jobs.program import Program
from lakehouse.verbs.check import check

main = Program(check, __doc__)

if __name__ == "__main__":
    sys.exit(main())
