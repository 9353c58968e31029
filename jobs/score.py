"""Score tables of a domain with its champions; a scheduler runs it after curating."""

import json
import sys
from collections.abc import Sequence

from jobs.stage import arguments, moment
from lakehouse.records.lock import writing
from lakehouse.registry.scoring import score
from lakehouse.sdk.composition import open_context, open_home


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--model", help="only this model; default: all of the domain")
    parser.add_argument("--table", help="the table to score; default: what a model learns from")
    parser.add_argument("--since", type=moment, help="only rows from this moment on")
    parser.add_argument("--version", type=int, help="default: the champion")
    given = parser.parse_args(argv)
    ctx = open_context(open_home(given.home), given.domain, given.engine)
    models = ctx.domain.models if given.model is None else (ctx.domain.model(given.model),)
    with writing(ctx.home.path, given.wait):
        for model in models:
            done = score(ctx, model, given.table, given.since, given.version)
            print(json.dumps(vars(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
