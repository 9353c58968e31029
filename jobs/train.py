"""Train the models of a domain, register them, and let their gates decide."""

import sys

from jobs.program import Program
from lakehouse.verbs.run import run

main = Program(run, __doc__, stages=["training"])

if __name__ == "__main__":
    sys.exit(main())
