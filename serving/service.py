"""What the routes share: the lake, its releases, its online stores, its clock and its log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from lakehouse.records.clock import LakeClock, NoDataYet
from lakehouse.records.home import Home
from lakehouse.records.reader import RecordsReader
from serving.champions import Champions, Name, Slot
from serving.log import DeliveryLog
from serving.metrics import Metrics
from serving.online import OnlineStores
from serving.problems import Problem
from serving.settings import Settings

_log = logging.getLogger("serving")


class Service:
    """The parts of one running service.

    `now` is the wall clock and `chance` gives numbers from 0 up to 1; the entry point gives both.
    """

    def __init__(
        self, settings: Settings, now: Callable[[], datetime], chance: Callable[[], float]
    ) -> None:
        self.settings, self.chance = settings, chance
        self.home = Home.open(settings.home)
        self.metrics = Metrics()
        self.records = RecordsReader(self.home.records, settings.look_every_s)
        self._clock = LakeClock(self.home.clock, now, self.records.latest_event_us)
        self.champions = Champions(self.home, settings.domains)
        self.online = OnlineStores(self.home, settings.online)
        self.log = DeliveryLog(self.home, settings, now)
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the releases there are, deliver what a crash left, and watch for new champions."""
        self.take(self.champions.look())
        recovered = self.log.start(self.champions.domains())
        if recovered:
            _log.warning("Delivered %d file(s) that an earlier service left behind.", recovered)
        self._watch = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        """Deliver what was written, and let go of the lake."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        try:
            await asyncio.to_thread(self.log.close)
        except OSError as error:
            _log.error("%s", error)
        self.online.close()
        self.records.close()

    def clock_us(self, domain: str) -> int:
        """The moment now by the lake's clock, in microseconds."""
        try:
            return self._clock.us(domain)
        except NoDataYet as error:
            raise Problem(503, error.what, f"domain {domain}", error.next) from error

    def take(self, slots: Mapping[Name, Slot] | None) -> None:
        """Let what `champions.look` found serve from now on."""
        if slots is None:
            return
        self.champions.slots = slots
        releases = self.champions.releases()
        self.online.serve(releases)
        self.metrics.released((r.domain, r.name, r.version) for r in releases)

    async def _look_again(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self.settings.look_every_s)
            try:
                self.take(await asyncio.to_thread(self.champions.look))
                self.online.look()
            except Exception as error:  # whatever is wrong with the lake, what serves goes on
                if repr(error) != told:
                    _log.exception("The lake cannot be looked at; every next look tries again.")
                told = repr(error)
