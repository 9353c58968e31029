"""The distinct keys of some rows, and which of them each row has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.kernels.arrow_numbers import without_nulls
from lakehouse.engines.kernels.entity_codes import UNKNOWN
from lakehouse.engines.kernels.ordering import Int64


class DistinctKeys(NamedTuple):
    """A table of distinct keys without nulls, and the row of it that each row's key is.

    A row with a null in its key has UNKNOWN.
    """

    keys: pa.Table
    of_row: Int64


def distinct_keys(rows: pa.Table, names: Sequence[str]) -> DistinctKeys:
    """Find the distinct keys of rows; a column's dictionary serves as it is.

    >>> rows = pa.table({"a": ["1", "11", "1", None], "b": [2, 1, 2, 2]})
    >>> found = distinct_keys(rows, ["a", "b"])
    >>> found.keys.to_pylist(), found.of_row.tolist()
    ([{'a': '1', 'b': 2}, {'a': '11', 'b': 1}], [0, 1, 0, -1])
    """
    known: list[Any] = []
    codes: Any = None
    for name in names:
        encoded = _one_dictionary(rows.column(name))
        values, places = encoded.dictionary, encoded.indices.cast(pa.int64())
        if codes is None:
            known, codes = [values], places
            continue
        pairs = pc.add(pc.multiply(codes, len(values)), places).dictionary_encode()
        first = pc.divide(pairs.dictionary, len(values))
        second = pc.subtract(pairs.dictionary, pc.multiply(first, len(values)))
        known = [*(one.take(first) for one in known), values.take(second)]
        codes = pairs.indices.cast(pa.int64())
    return DistinctKeys(lake_table(pa.table(known, list(names))), without_nulls(codes, UNKNOWN))


def _one_dictionary(column: Any) -> Any:
    encoded = column.dictionary_encode().unify_dictionaries()
    return encoded.combine_chunks()
