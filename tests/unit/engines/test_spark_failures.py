from __future__ import annotations

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from lakehouse.engines.failures import QueryError, WriteConflict
from lakehouse.engines.spark.failures import as_ours
from lakehouse.errors import DeliveryError


@pytest.mark.parametrize(
    "said",
    [
        "[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Files were added by another. SQLSTATE: 2D521",
        "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata has changed.",
        "java.nio.file.FileAlreadyExistsException: 00000000000000000007.json",
    ],
)
def test_commit_that_another_writer_hindered_is_a_conflict(said: str) -> None:
    with pytest.raises(WriteConflict, match="was there first"), as_ours():
        raise PySparkException(said)


def test_error_of_ours_that_a_worker_met_comes_back_as_it_was() -> None:
    said = (
        "An exception was thrown from the Python worker:\nTraceback (most recent call last):\n"
        "lakehouse.errors.DeliveryError: the file cannot be read after row 3: it ends\n\n\tat org"
    )
    with pytest.raises(DeliveryError) as caught, as_ours():
        raise PySparkException(said)
    assert str(caught.value) == "the file cannot be read after row 3: it ends"


def test_what_py4j_raises_is_an_error_of_the_query() -> None:
    with pytest.raises(QueryError, match="gone away"), as_ours():
        raise Py4JError("The gateway has gone away")


def test_message_stands_without_class_and_state() -> None:
    with pytest.raises(QueryError) as caught, as_ours():
        raise PySparkException("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== SQL ==\n1/0")
    assert str(caught.value) == "Division by zero."


def test_error_that_is_not_sparks_passes_as_it_is() -> None:
    with pytest.raises(KeyError, match="other"), as_ours():
        raise KeyError("other")
