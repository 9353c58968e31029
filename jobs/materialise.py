"""Bring the online store of a domain up to date."""

import sys

from jobs.program import Program
from lakehouse.verbs.features_materialise import features_materialise

main = Program(features_materialise, __doc__)

if __name__ == "__main__":
    sys.exit(main())
