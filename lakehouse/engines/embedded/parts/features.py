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

from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.on_table import OnTable
from lakehouse.engines.embedded.parts.answers import Answers, Question
from lakehouse.engines.embedded.parts.collected import Collected
from lakehouse.engines.embedded.parts.spilled import Spilled
from lakehouse.engines.embedded.parts.streamed import ToRead, streamed
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.threads import in_order
from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.spines import by_entity, check_moments


def features_in_parts(
    session: Session,
    spine: ToRead,
    at: str,
    tables: Sequence[tuple[OnTable, ToRead]],
    names: Sequence[str],
    limits: Limits,
) -> Collected:
    """Compute the features of a spine and return both, as `historical_features` describes them.

    `names` are the answer's columns. Its files lie in a folder of the session.
    """
    folder = Path(tempfile.mkdtemp(dir=session.folder))
    try:
        numbers = itertools.count()

        def make() -> Spilled:
            return Spilled(folder / f"{next(numbers)}.arrow")

        held = spine.frame.computed if isinstance(spine.frame.computed, pa.Table) else None
        reads = [
            partial(streamed, session, read, make, limits.batch)
            for read in (spine, *(of_table for _, of_table in tables))
        ]
        with closing(in_order(reads)) as streams:
            asked = next(streams)
            as_microseconds(asked.schema.empty_table().column(at), f"Spine column '{at}'")
            check_moments(asked.nulls[at], asked.rows, at)
            of_tables = list(streams)
        answers = [
            Answers(Question(views, table.selected, rows, asked, at), limits.part, make)
            for (table, _), rows in zip(tables, of_tables, strict=True)
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
