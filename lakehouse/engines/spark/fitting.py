"""XGBoost fitted on Spark's workers, by XGBoost's own estimator: no data reaches the driver.

Every worker is one task that holds its share of the rows; all run at once (barrier execution) and
add up their histograms.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import Fitted
from lakehouse.engines.spark.failures import as_ours
from lakehouse.engines.spark.frames import SparkFrame, quoted

if TYPE_CHECKING:
    from pyspark.sql import Column

_LABEL = "__label"
_OWN = {"n_jobs", "nthread", "enable_categorical", "objective"}
"""What Spark decides (threads), or what XGBoost's classifier does not let one set there."""


def fit(
    session: Any,
    estimator: Any,
    frame: SparkFrame,
    inputs: Sequence[str],
    label: str,
    by: Sequence[str],
    workers: int | None,
) -> Fitted:
    """Fit a copy of an XGBClassifier or XGBRegressor on `workers` tasks; see `engines.protocol`.

    Raises QueryError over Spark Connect, which has no barrier execution, and for more workers than
    there are slots for tasks.
    """
    from pyspark.sql.functions import col
    from sklearn.base import clone, is_classifier
    from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor

    count = _workers(session, workers)
    classifier = is_classifier(estimator)
    kind = SparkXGBClassifier if classifier else SparkXGBRegressor
    given = {
        name: value
        for name, value in estimator.get_params().items()
        if value is not None and (name not in _OWN or (name == "objective" and not classifier))
    }
    rows = (
        frame.repartition(count, *(col(quoted(name)) for name in by))
        .sortWithinPartitions(*(col(quoted(name)) for name in by))
        .select(*(_float32(name) for name in inputs), _target(frame, label))
    )
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    with as_ours():
        model = kind(
            features_col=list(inputs), label_col=_LABEL, num_workers=count, verbose=False, **given
        ).fit(rows)
    fitted = clone(estimator)
    fitted.load_model(model.get_booster().save_raw("ubj"))
    return Fitted(fitted, count)


def _workers(session: Any, wanted: int | None) -> int:
    try:
        slots = int(session.sparkContext.defaultParallelism)
    except AttributeError as error:
        raise QueryError(
            "A distributed fit needs barrier tasks, which Spark Connect does not offer; reach "
            "Spark by its master's URL, or submit the job with spark-submit."
        ) from error
    if wanted is not None and wanted > slots:
        raise QueryError(
            f"The fit asks for {wanted} workers at once and this Spark has {slots} slots for "
            "tasks; give it more cores."
        )
    return slots if wanted is None else wanted


def _float32(name: str) -> Column:
    from pyspark.sql.functions import col

    return col(quoted(name)).cast("double").cast("float").alias(name)


def _target(frame: SparkFrame, label: str) -> Column:
    from pyspark.sql.functions import col

    boolean = frame.schema[label].dataType.simpleString() == "boolean"
    return col(quoted(label)).cast("int" if boolean else "double").alias(_LABEL)
