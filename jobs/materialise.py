"""Bring the online store of a domain up to date."""

import json
import sys
from collections.abc import Sequence

from jobs.stage import arguments, moment
from lakehouse.records.lock import writing
from lakehouse.sdk import online
from lakehouse.sdk.composition import open_context, open_home


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--view", help="one view; default: all of the domain")
    parser.add_argument("--full", action="store_true", help="pack the views anew")
    parser.add_argument("--from", dest="since", type=moment, help="read again from this time on")
    parser.add_argument("--until", type=moment, help="and up to, without, this time")
    given = parser.parse_args(argv)
    home = open_home(given.home, create="wall")
    ctx = open_context(home, given.domain, given.engine)
    with writing(home.path, given.wait):
        done = online.materialise(ctx, given.view, given.full, given.since, given.until)
    for name, found in done.items():
        print(json.dumps({"view": name, **vars(found)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
