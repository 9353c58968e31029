"""Take a domain's deliveries through its stages, all of them or those named, in their order."""

import sys

from jobs.program import Program
from lakehouse.verbs.run import run

main = Program(run, __doc__)

if __name__ == "__main__":
    sys.exit(main())
