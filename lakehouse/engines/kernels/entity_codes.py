"""Entity keys, of one column or several and of any type, as small integers for the kernels.

Two keys are one entity only if they are equal column by column: each column is encoded by its own
dictionary, and several codes become one by position, never by joining text, so that ("1", "11") and
("11", "1") stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.engines.arrow_tables import one_array
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.kernels.arrow_numbers import without_nulls
from lakehouse.engines.kernels.ordering import Int64
from lakehouse.errors import LakehouseError

UNKNOWN = -1


class EntityKeyError(LakehouseError):
    """Keys of the spine and of a view's rows cannot be compared."""


def entity_codes(
    events: Sequence[Any], moments: Sequence[Any], names: Sequence[str], where: str
) -> tuple[Int64, Int64]:
    """Return the codes of the events' keys and of the moments' keys, 0, 1, 2, … or -1.

    `events` and `moments` are Arrow columns, one for each of `names`; of those with dictionaries
    only these are looked at. A key with a null in it is no entity: -1, as is a moment's key that
    no event has. `where` is the subject of errors.
    Raises EntityKeyError if a column's two types are of different kinds.

    >>> events = [pa.array(["1", "11", None]), pa.array(["11", "1", "1"])]
    >>> moments = [pa.array(["11", "1", "111"]), pa.array(["1", "11", ""])]
    >>> [codes.tolist() for codes in entity_codes(events, moments, ("a", "b"), "View 'v'")]
    [[0, 1, -1], [1, 0, -1]]
    """
    event_codes: Any = None
    moment_codes: Any = None
    for event_column, moment_column, name in zip(events, moments, names, strict=True):
        event_values, event_places = _values(event_column)
        moment_values, moment_places = _values(moment_column)
        of_event, of_moment = _comparable(event_values, moment_values, name, where)
        encoded = of_event.dictionary_encode()
        known = encoded.dictionary
        codes = _at(encoded.indices, event_places)
        found = _at(pc.index_in(of_moment, value_set=known, skip_nulls=True), moment_places)
        if event_codes is None:
            event_codes, moment_codes = codes, found
            continue
        pairs = pc.add(pc.multiply(event_codes, len(known)), codes).dictionary_encode()
        asked = pc.add(pc.multiply(moment_codes, len(known)), found)
        event_codes = pairs.indices.cast(pa.int64())
        moment_codes = pc.index_in(asked, value_set=pairs.dictionary, skip_nulls=True)
        moment_codes = moment_codes.cast(pa.int64())
    return _with_unknown(event_codes), _with_unknown(moment_codes)


def _values(column: Any) -> tuple[Any, Any]:
    """Return the values of a column and at which of them each row's is; None: at its own.

    The values of dictionaries are those that rows may have, of one dictionary after the other.
    """
    if not pa.types.is_dictionary(column.type):
        return column, None
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    values = pa.chunked_array([one.dictionary for one in chunks], column.type.value_type)
    places, before = [], 0
    for one in chunks:
        places.append(pc.add(one.indices.cast(pa.int64()), before))
        before += len(one.dictionary)
    return values, pa.chunked_array(places, pa.int64()).combine_chunks()


def _at(codes: Any, places: Any) -> Any:
    """Return the codes of rows, null where a value's or the row's place is."""
    codes = codes.cast(pa.int64())
    return codes if places is None else codes.take(places)


def check_kinds(
    events: Sequence[Any], moments: Sequence[Any], names: Sequence[str], where: str
) -> None:
    """Raise EntityKeyError if the Arrow types of a key are of different kinds on both sides."""
    for of_event, of_moment, name in zip(events, moments, names, strict=True):
        if _kind(of_event) != _kind(of_moment):
            raise EntityKeyError(
                f"{where}: entity key '{name}' is {of_event} in the view's table and {of_moment} "
                "in the spine; convert the spine's column to the table's type."
            )


def rank_codes(columns: Sequence[Any]) -> Int64:
    """Return numbers that order rows as the columns do, the first column first, nulls least.

    Text is ordered by its UTF-8 bytes, as in every engine. Equal rows have equal numbers.

    >>> rank_codes([pa.array(["b", "a", None]), pa.array([2, 9, 1])]).tolist()
    [2, 1, 0]
    """
    ranks = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        encoded = _without_negative_zero(_one_array(column)).dictionary_encode()
        order = pc.sort_indices(encoded.dictionary).to_numpy()
        place = np.empty(len(order) + 1, dtype=np.int64)
        place[order] = np.arange(1, len(order) + 1)
        place[UNKNOWN] = 0  # the last cell, where the code of a null points to
        codes = _with_unknown(encoded.indices)
        _, ranks = np.unique(ranks * len(place) + place[codes], return_inverse=True)
    return ranks.astype(np.int64, copy=False)


def value_codes(column: Any) -> Int64:
    """Return numbers 0, 1, 2, … that are equal where values are, -1 for null.

    NaN equals NaN, and -0.0 equals 0.0.

    >>> value_codes(pa.array([0.0, float("nan"), None, -0.0, float("nan")])).tolist()
    [0, 1, -1, 0, 1]
    """
    values = of_equal_bits(_one_array(column))
    return _with_unknown(values.dictionary_encode().indices)


def of_equal_bits(column: Any) -> Any:
    """Return floats whose equals have the same bits: one zero, and one of the many NaN."""
    values = _without_negative_zero(column)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(float("nan"), values.type), values)
    return values


def _comparable(events: Any, moments: Any, name: str, where: str) -> tuple[Any, Any]:
    """Return both columns as single arrays of one type; equal values are equal in it.

    A column without a value is of any type: that of an empty frame says nothing.
    """
    given = [_one_array(column) for column in (events, moments)]
    for place, column in enumerate(given):
        if column.null_count == len(column):
            given[place] = pa.nulls(len(column), given[1 - place].type)
    types = [column.type for column in given]
    check_kinds(types[:1], types[1:], [name], where)
    target = _kind(types[0])
    if pa.types.is_decimal(target):
        scale = max(column.type.scale for column in given)
        target = pa.decimal128(38, scale)
    try:
        first, second = (column.cast(target) for column in given)
    except pa.ArrowInvalid as error:
        raise EntityKeyError(f"{where}: entity key '{name}' does not fit {target}: {error}.") from (
            error
        )
    return _without_negative_zero(first), _without_negative_zero(second)


def _without_negative_zero(column: Any) -> Any:
    """Return floats in which -0.0 has become 0.0, which it equals but is not encoded as."""
    return pc.add(column, 0.0) if pa.types.is_floating(column.type) else column


def _one_array(column: Any) -> Any:
    """Return a column as one array; long text needs 64-bit offsets to fit one."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.large_string())
    return one_array(column)


def _kind(of: Any) -> Any:
    """Return the widest type of a kind; types of one kind hold comparable values."""
    kinds = (
        (pa.types.is_integer, pa.int64()),
        (pa.types.is_floating, pa.float64()),
        (pa.types.is_decimal, pa.decimal128(38, 0)),
        (pa.types.is_date, pa.date32()),
    )
    for matches, widest in kinds:
        if matches(of):
            return widest
    if pa.types.is_timestamp(of) and of.tz is not None:
        return MICROSECONDS
    return of


def _with_unknown(codes: Any) -> Int64:
    return without_nulls(codes, UNKNOWN).astype(np.int64, copy=False)
