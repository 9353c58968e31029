"""Spark's errors as the platform's, with what is wrong and without Java's stack."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException

from lakehouse.engines.failures import QueryError, WriteConflict
from lakehouse.errors import LakehouseError

_OURS = re.compile(r"^(lakehouse(?:\.\w+)+)\.(\w+): (.+?)(?=\n\n|\n\tat |\nDriver|\Z)", re.M | re.S)
_CONFLICT = re.compile(
    r"DELTA_(?:CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)\w*|FileAlreadyExistsException|"
    r"(?:Concurrent\w*|MetadataChanged|ProtocolChanged)Exception"
)
_HINT = re.compile(r" (?:Use `try_|To return NULL|If necessary set|Set ansi|Fix the)[^.]*\..*")
"""Spark's advice, which is about Spark's functions and settings."""
_CLASS = re.compile(r"^\[[A-Z_.0-9]+\]\s*")


@contextmanager
def as_ours() -> Iterator[None]:
    """Raise an error of the platform for what Spark raises inside.

    An error of the platform's own that a worker met comes back as what it was. A commit that
    another writer hindered is a WriteConflict, everything else a QueryError.
    """
    try:
        yield
    except Exception as error:
        if not _is_sparks(error):
            raise
        raise _translated(error) from error


def _is_sparks(error: Exception) -> bool:
    """Whether Spark raised it: by itself, or py4j, which a client of Connect does without."""
    return isinstance(error, PySparkException) or type(error).__module__ == "py4j.protocol"


def _translated(error: Exception) -> LakehouseError:
    said = str(getattr(error, "java_exception", error))
    ours = _OURS.search(said)
    if ours is not None:
        return _own(ours[1], ours[2], ours[3].strip())
    if _CONFLICT.search(said):
        return WriteConflict(f"Another writer was there first: {_reason(said)}")
    return QueryError(_reason(said))


def _own(module: str, name: str, message: str) -> LakehouseError:
    kind = getattr(importlib.import_module(module), name, QueryError)
    if not (isinstance(kind, type) and issubclass(kind, LakehouseError)):
        kind = QueryError
    return kind(message)


def _reason(said: str) -> str:
    """The first sentence of Spark's message: no error class, query text or stack behind it."""
    causes = re.findall(r"Caused by: [\w.$]+: (.+)", said)
    lines = [line for line in (causes[-1] if causes else said).strip().splitlines() if line]
    first = lines[0] if lines else "no reason was given"
    first = re.sub(r"^(?:[\w$]+\.)+[\w$]+(?:Exception|Error): ", "", first)
    return _HINT.sub("", _CLASS.sub("", first).split(" SQLSTATE")[0]).strip()
