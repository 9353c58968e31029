"""The lake's clock: the moment now, where nobody names one.

A lake declares which clock it has. The wall's is real; one that is the lake's data stands, for each
domain, at the latest event time that was taken in, so that a replayed past is answered as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lakehouse.errors import LakehouseError
from lakehouse.records.home import Clock
from lakehouse.times import microseconds, moment


class NoDataYet(LakehouseError):
    """The clock of the lake is its data, and a domain has taken none in."""

    def __init__(self, domain: str) -> None:
        self.what = f"The clock of this lake is its data, and domain '{domain}' has none yet."
        self.next = f"Take deliveries in with 'lakehouse run {domain}'."
        super().__init__(f"{self.what} {self.next}")


@dataclass(frozen=True)
class LakeClock:
    """The clock of a lake, of each of its domains.

    `wall` gives the time of day; `latest_event_us` the latest event time of a domain in
    microseconds, None before its first row. Neither is asked before the clock is read.
    """

    kind: Clock
    wall: Callable[[], datetime]
    latest_event_us: Callable[[str], int | None]

    def us(self, domain: str) -> int:
        """The moment now, in UTC microseconds; raises NoDataYet."""
        if self.kind == "wall":
            return microseconds(self.wall())
        latest = self.latest_event_us(domain)
        if latest is None:
            raise NoDataYet(domain)
        return latest

    def now(self, domain: str) -> datetime:
        """The moment now, in UTC; raises NoDataYet."""
        return moment(self.us(domain))
