"""Point-in-time features of many rows: entities in parts, each computed by the same kernels.

Spine and rows stream by once, and each batch is put in the order of its entities' buckets. A part
is some neighbouring buckets: its rows, gathered from all batches, are what a kernel holds, few
enough to stay in the processor's caches. In the end each batch of the spine collects its values
from the parts. All that is put aside in between lies in files.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pyarrow as pa

from lakehouse.engines.embedded.answers import Answers, Asked
from lakehouse.engines.embedded.collected import Collected
from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.on_table import OnTable
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.spilled import Spilled
from lakehouse.engines.embedded.streamed import streamed
from lakehouse.engines.embedded.threads import in_order
from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.asked import by_entity, check_moments


def features_in_parts(
    session: Session,
    spine: DuckFrame,
    at: str,
    tables: Sequence[OnTable],
    names: Sequence[str],
    limits: Limits,
) -> Collected:
    """Compute the features of a spine and return both, as `historical_features` describes them.

    `names` are the answer's columns. Its files lie in a folder of the session.
    """
    folder = Path(tempfile.mkdtemp(dir=session.folder))
    try:
        numbers = itertools.count()

        def make(schema: pa.Schema) -> Spilled:
            return Spilled(schema, folder / f"{next(numbers)}.arrow")

        held = spine.computed if isinstance(spine.computed, pa.Table) else None
        read = partial(streamed, session, make=make, batch_rows=limits.batch)
        moments = {key: [*key, at] for table in tables for key in table.needed()}
        reads = [
            partial(read, spine, moments, is_spine=True),
            *(partial(read, table.rows, table.needed(), is_spine=False) for table in tables),
        ]
        with closing(in_order(reads)) as streams:
            asked = next(streams)
            as_microseconds(asked.schema.empty_table().column(at), f"Spine column '{at}'")
            check_moments(asked.nulls[at], asked.rows, at)
            of_tables = list(streams)
        answers = [
            Answers(Asked(views, table.selected, rows, asked, at), limits.part, make)
            for table, rows in zip(tables, of_tables, strict=True)
            for views in by_entity(table.views)
        ]
        with closing(in_order(part for answer in answers for part in answer.parts())) as parts:
            for _ in parts:
                pass  # each part is put aside where it is computed
        for stream in (asked, *of_tables):
            stream.drop_rows()
        return Collected(asked, held, answers, names, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
