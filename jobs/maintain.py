"""Compact a lake's tables and remove the files that no named version needs."""

import sys

from jobs.program import Program
from lakehouse.verbs.maintain import maintain

main = Program(maintain, __doc__)

if __name__ == "__main__":
    sys.exit(main())
