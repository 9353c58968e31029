"""Score tables of a domain with its champions; a scheduler runs it after curating."""

import sys

from jobs.program import Program
from lakehouse.verbs.score import score

main = Program(score, __doc__)

if __name__ == "__main__":
    sys.exit(main())
