"""Run a domain's evaluations: published protocols, with the published figures beside."""

import json
import sys
from collections.abc import Sequence

from jobs.stage import arguments
from lakehouse.sdk.composition import open_context, open_home
from lakehouse.training.evaluation import evaluate


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments(__doc__).parse_args(argv)
    ctx = open_context(open_home(given.home), given.domain, given.engine)
    for evaluation in ctx.domain.evaluations:
        print(json.dumps(evaluate(ctx, evaluation), default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
