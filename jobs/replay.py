"""Check a domain's quarantined rows again by the present contracts."""

import json
import sys
from collections.abc import Sequence

from jobs.stage import arguments
from lakehouse.records.lock import writing
from lakehouse.sdk.composition import open_context, open_home
from lakehouse.zones.quarantine import replay


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments(__doc__).parse_args(argv)
    ctx = open_context(open_home(given.home), given.domain, given.engine)
    with writing(ctx.home.path, given.wait):
        for table in ctx.domain.cleaned:
            print(json.dumps({"table": table.name, **vars(replay(ctx, table))}, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
