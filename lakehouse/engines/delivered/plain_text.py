"""Delivered text files as plain UTF-8 on disk, checked before a line is read."""

from __future__ import annotations

import codecs
import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from lakehouse.errors import DeliveryError

_CHUNK = 1 << 20
BOM = codecs.BOM_UTF8


@dataclass(frozen=True)
class PlainText:
    """A file of valid UTF-8: where its text begins (after a byte order mark), and if it quotes."""

    path: Path
    start: int
    has_quotes: bool


@contextmanager
def plain_text(path: Path, scratch: Path) -> Iterator[PlainText]:
    """Open a delivered text file, decompressed to `scratch` if its name ends in .gz or .zst.

    Raises DeliveryError naming the line of the first byte that is not UTF-8.
    """
    if path.suffix.lower() not in (".gz", ".zst"):
        yield _checked(path)
        return
    try:
        with _decompressed(path) as packed, open(scratch, "wb") as plain:
            shutil.copyfileobj(packed, plain, _CHUNK)
        yield _checked(scratch)
    finally:
        scratch.unlink(missing_ok=True)


def _decompressed(path: Path) -> IO[bytes] | Any:
    if path.suffix.lower() == ".gz":
        return gzip.open(path)
    return pa.input_stream(str(path), compression="zstd")


def _checked(path: Path) -> PlainText:
    decoder = codecs.getincrementaldecoder("utf-8")()
    done, has_quotes, start = 0, False, 0
    with open(path, "rb") as plain:
        while True:
            chunk = plain.read(_CHUNK)
            if done == 0 and chunk.startswith(BOM):
                start = len(BOM)
            has_quotes = has_quotes or b'"' in chunk
            pending = decoder.getstate()[0]
            try:
                if pending or not chunk or not chunk.isascii():
                    decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, done - len(pending) + error.start) from error
            if not chunk:
                return PlainText(path, start, has_quotes)
            done += len(chunk)


def _not_utf8(path: Path, offset: int) -> DeliveryError:
    line = 1
    with open(path, "rb") as plain:
        left = offset
        while left > 0:
            chunk = plain.read(min(_CHUNK, left))
            line += chunk.count(b"\n")
            left -= len(chunk)
    return DeliveryError(f"line {line} is not UTF-8 text; deliver the file as UTF-8")
