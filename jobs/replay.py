"""Check a domain's quarantined rows again by the present contracts."""

import sys

from jobs.program import Program
from lakehouse.verbs.quarantine_replay import quarantine_replay

main = Program(quarantine_replay, __doc__)

if __name__ == "__main__":
    sys.exit(main())
