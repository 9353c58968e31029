"""Clean new raw rows of a domain against their contracts."""

import sys

from jobs.program import Program
from lakehouse.verbs.run import run

main = Program(run, __doc__, stages=["cleaned"])

if __name__ == "__main__":
    sys.exit(main())
