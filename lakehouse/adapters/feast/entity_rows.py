"""Entity rows as a caller gives them, and the features that were asked for, by view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast.base_feature_view import BaseFeatureView
from feast.errors import EntityTimestampInferenceException
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.errors import LakehouseError

EVENT_TIMESTAMP = "event_timestamp"


@dataclass(frozen=True)
class EntityRows:
    """Rows in the order given, and the name of the column of their moments, which is in UTC."""

    table: pa.Table
    at: str

    @staticmethod
    def of(frame: pd.DataFrame) -> EntityRows:
        """Take a frame's rows; a time without a zone is one of UTC.

        The moments are in `event_timestamp`, else in the only column of times. Raises
        LakehouseError for a frame that is no table or has no moments.
        """
        repeated = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
        if repeated:
            raise LakehouseError(
                f"The entity rows have several columns called {', '.join(repeated[:5])}; rename "
                "all but one."
            )
        try:
            at = infer_event_timestamp_from_entity_df(dict(frame.dtypes))
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except EntityTimestampInferenceException:
            raise LakehouseError(
                "The entity rows do not say at which moment: name the column "
                f"'{EVENT_TIMESTAMP}', or have one column of times."
            ) from None
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise LakehouseError(
                f"The entity rows cannot be taken: {error}. Give each column values of one type."
            ) from error
        table = table.replace_schema_metadata(None)
        place = table.column_names.index(at)
        return EntityRows(table.set_column(place, at, _moments(table.column(at), at)), at)

    @property
    def bounds(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first and the last moment."""
        found = pc.min_max(self.table.column(self.at))
        return pd.Timestamp(found["min"].as_py()), pd.Timestamp(found["max"].as_py())


def _moments(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return column.cast(MICROSECONDS)
        if pa.types.is_null(column.type):
            return column.cast(MICROSECONDS)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            parsed = pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601")
            return pa.chunked_array([pa.Array.from_pandas(parsed).cast(MICROSECONDS)])
    except (pa.ArrowInvalid, ValueError) as error:
        raise LakehouseError(
            f"Column '{name}' of the entity rows holds what is no moment of whole microseconds "
            f"({error})."
        ) from error
    raise LakehouseError(
        f"Column '{name}' of the entity rows is {column.type}; give moments as timestamps."
    )


def by_view(refs: Iterable[str]) -> dict[str, list[str]]:
    """The features asked for by view, from references `view:feature` or `view@v2:feature`."""
    wanted: dict[str, list[str]] = {}
    for ref in refs:
        view, _, feature = ref.partition(":")
        features = wanted.setdefault(view.partition("@")[0], [])
        if feature not in features:
            features.append(feature)
    return wanted


def called(view: BaseFeatureView) -> str:
    """The name that a view goes by in references and answers: its alias, if it has one."""
    return str(view.projection.name_alias or view.projection.name)


class Naming:
    """Names for answered features: short ones, and full ones wherever short ones would meet.

    `taken` are the names beside them, `wanted` the features by view.

    >>> names = Naming(["at"], {"card": ["spend", "n"], "terminal": ["n"]}, full=False)
    >>> names.of("card", "spend"), names.of("card", "n"), names.of("terminal", "n")
    ('spend', 'card__n', 'terminal__n')
    """

    def __init__(
        self, taken: Iterable[str], wanted: Mapping[str, Iterable[str]], full: bool
    ) -> None:
        self._full = full
        self._met = Counter(taken) + Counter(f for features in wanted.values() for f in features)

    def of(self, view: str, feature: str) -> str:
        short = not self._full and self._met[feature] <= 1
        return feature if short else f"{view}__{feature}"
