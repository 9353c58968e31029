"""Delivered files as text rows."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.engines.embedded.session import Session
from lakehouse.engines.protocol import Landed, LandedFile


def land(
    session: Session, files: Sequence[LandedFile], columns: Sequence[str], threads: int
) -> Landed:
    raise NotImplementedError
