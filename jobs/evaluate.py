"""Run a domain's evaluations: published protocols, with the published figures beside."""

import sys

from jobs.program import Program
from lakehouse.verbs.evaluate import evaluate

main = Program(evaluate, __doc__)

if __name__ == "__main__":
    sys.exit(main())
