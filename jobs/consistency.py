"""Hold what the service answered against the lake's history; a scheduler runs it after cleaning."""

import json
import sys
from collections.abc import Sequence

from jobs.stage import arguments, moment
from lakehouse.monitoring.consistency.check import consistency
from lakehouse.records.lock import writing
from lakehouse.sdk.composition import open_context, open_home


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument(
        "--from", dest="served_from", type=moment, help="only what was answered from then on"
    )
    parser.add_argument(
        "--until", dest="served_until", type=moment, help="only what was answered before"
    )
    parser.add_argument(
        "--allow-stale",
        action="store_true",
        help="end with 0 where lateness of the online store explains all",
    )
    given = parser.parse_args(argv)
    ctx = open_context(open_home(given.home), given.domain, given.engine)
    with writing(ctx.home.path, given.wait):
        found = consistency(ctx, given.served_from, given.served_until)
    print(json.dumps(found.document(), default=str))
    return 0 if found.holds(given.allow_stale) else 3


if __name__ == "__main__":
    sys.exit(main())
