"""Take a domain's deliveries through its stages, all of them or those named, in their order."""

import sys
from collections.abc import Sequence

from jobs.stage import arguments, run_stages
from lakehouse.sdk.stages import STAGES


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("stages", nargs="*", help=f"{', '.join(STAGES)}; all when left out")
    given = parser.parse_intermixed_args(argv)
    return run_stages(given, given.stages or STAGES)


if __name__ == "__main__":
    sys.exit(main())
