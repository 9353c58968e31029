"""Compact a lake's tables and remove the files that no named version needs."""

import argparse
import json
import sys
from collections.abc import Sequence

from lakehouse.records.lock import writing
from lakehouse.sdk.composition import open_home, open_records
from lakehouse.zones.maintain import maintain


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", help="the lake's folder; default: LAKEHOUSE_HOME")
    parser.add_argument("--keep-days", type=int, help="let go of what only older runs name")
    parser.add_argument("--wait", type=float, default=600.0, help="seconds to wait for a writer")
    given = parser.parse_args(argv)
    home = open_home(given.home)
    with writing(home.path, given.wait):
        for table in maintain(home, open_records(home), keep_days=given.keep_days):
            print(json.dumps(vars(table)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
