"""The logs of decisions and of features served, and the outcomes sent back.

All land as deliveries of the next run.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec

from lakehouse.declare.file_names import place_of
from lakehouse.declare.logs import SERVED_FEATURES, decision_log, served_log
from lakehouse.declare.tables import Source
from lakehouse.declare.training import Model
from lakehouse.records.home import Home
from serving.settings import Settings
from serving.spool import Spool, recover, stamp
from serving.values import plain

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("serving.log")


class DeliveryLog:
    """Writes decisions, features served and outcomes below the landing folders of a lake.

    Decisions and features are written before they are answered and synced within
    `settings.sync_every_s`; an outcome is synced before it is answered. `now` is the wall clock,
    which names the files.
    """

    def __init__(self, home: Home, settings: Settings, now: Callable[[], datetime]) -> None:
        self._home, self._settings, self._now = home, settings, now
        self._spools: dict[tuple[str, str, str], Spool] = {}
        self._keeper = threading.Thread(target=self._keep, name="delivery-log", daemon=True)
        self._wake = threading.Event()
        self._ended = False
        self.problem: str | None = None
        """Why the last attempt to sync or deliver failed; None when it did not."""
        self.left_out: str | None = None
        """Why the features served last could not be logged; None when they could."""

    def start(self, domains: Sequence[str]) -> int:
        """Deliver what a crash left behind, and begin to keep files; returns files recovered."""
        recovered = sum(recover(self._home.landing(domain)) for domain in domains)
        self._keeper.start()
        return recovered

    def close(self) -> None:
        """Deliver everything; raises OSError if the disk refuses, the rows then stay spooled."""
        self._ended = True
        self._wake.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self.problem = self._settle_all(close=True)
        if self.problem is not None:
            raise OSError(f"Rows stay in their spool files until the next start: {self.problem}.")

    def decided(self, domain: str, model: Model, record: Mapping[str, Any]) -> None:
        """Append one decision, a row of the Decision contract; raises OSError."""
        spool = self._spools.get((domain, "decisions", model.name))
        if spool is None:
            source = decision_log(model).raw.source
            spool = self._open((domain, "decisions", model.name), source)
        spool.append(_encode(record) + b"\n", 1)
        self._stir()

    def served(self, domain: str, lines: Sequence[bytes]) -> None:
        """Append features served, encoded rows of the ServedFeatures contract.

        They are there to measure with, so a disk that refuses them keeps nobody from an answer:
        `left_out` then says why.
        """
        key = (domain, "features", SERVED_FEATURES)
        try:
            spool = self._spools.get(key) or self._open(key, served_log().raw.source)
            spool.append(b"\n".join((*lines, b"")), len(lines))
        except OSError as error:
            if self.left_out is None:
                _log.warning("Features served are not logged: %s.", error.strerror or error)
            self.left_out = f"{SERVED_FEATURES}: {error.strerror or error}"
            return
        self.left_out = None
        self._stir()

    def reported(
        self, domain: str, source: Source, rows: Sequence[Mapping[str, Any]]
    ) -> Callable[[], None]:
        """Append outcomes, rows of a source's contract; call the result to have them on disk.

        All of them land in one file. Raises OSError if none could be written, NoPlace if the
        source takes no such file. The result blocks; it raises OSError if they may not be on disk.
        """
        lines = b"".join(
            _encode({name: plain(value) for name, value in row.items()}) + b"\n" for row in rows
        )
        key = (domain, "feedback", source.path)
        spool = self._spools.get(key) or self._open(key, source)
        ticket = spool.append(lines, len(rows))
        self._stir()
        return lambda: spool.settle(ticket)

    def _open(self, key: tuple[str, str, str], source: Source) -> Spool:
        domain, kind, _ = key
        place = place_of(source, [".jsonl"])

        def name(number: int) -> str:
            return place.named(f"{kind}-{stamp(self._now())}-{os.getpid()}-{number}")

        spool = Spool(
            Path(self._home.landing(domain), place.folder),
            name,
            now=monotonic,
            deliver_after_s=self._settings.deliver_after_s,
            deliver_rows=self._settings.deliver_rows,
        )
        # A new dict, for the keeper's thread may be going through the old one.
        self._spools = {**self._spools, key: spool}
        return spool

    def _stir(self) -> None:
        if not self._wake.is_set():
            self._wake.set()

    def _keep(self) -> None:
        """Sync what was written, deliver what is due, and rest while there is neither."""
        rest = self._settings.deliver_after_s / 4
        while not self._ended:
            waiting = any(spool.unsettled for spool in self._spools.values())
            if self._wake.wait(rest if waiting else None):
                self._wake.clear()
                sleep(self._settings.sync_every_s)  # so that many rows share a sync
            self.problem = self._settle_all()

    def _settle_all(self, close: bool = False) -> str | None:
        problem = None
        for spool in self._spools.values():
            try:
                spool.settle(close=close)
            except OSError as error:
                problem = f"{spool.folder.name}: {error.strerror or error}"
        return problem
