"""Business tables: departures that arrived, and what is known of their destinations."""

from datetime import datetime

from feature_repo.flight_delay.sources import NEW_YORK, airports, flights, weather
from lakehouse.declare import Contract, Curated, column, event_time, key


class FlightPlan(Contract):
    """A flight as it is known before departure."""

    carrier: str
    flight: int
    tailnum: str | None
    origin: str = column(isin=NEW_YORK)
    dest: str
    distance: int = column(ge=1, description="miles")
    sched_dep_time: int = column(ge=0, le=2400, description="local, hhmm")
    sched_arr_time: int = column(ge=0, le=2400, description="local, hhmm")
    departs_at: datetime = event_time(description="scheduled departure, UTC")


class Departure(Contract):
    """A flight plan, and whether the flight arrived at least 30 minutes late."""

    carrier: str = key()
    flight: int = key()
    tailnum: str | None
    origin: str
    dest: str
    distance: int
    sched_dep_time: int
    sched_arr_time: int
    departs_at: datetime = event_time(key=True)
    late: bool


class Destination(Contract):
    """Where a destination lies."""

    dest: str = key()
    dest_lat: float
    dest_lon: float
    dest_alt: int


class Observation(Contract):
    """The weather at an airport as it is known once its hour is over."""

    origin: str = key()
    temp: float | None = column(description="degrees Fahrenheit")
    dewp: float | None = column(description="degrees Fahrenheit")
    humid: float | None = column(description="per cent")
    wind_speed: float | None = column(description="miles an hour")
    precip: float | None = column(description="inches")
    pressure: float | None = column(description="millibars")
    visib: float | None = column(description="miles")
    observed_by: datetime = event_time(key=True)


departures = Curated(
    "departures",
    """
    SELECT carrier, flight, tailnum, origin, dest, distance, sched_dep_time, sched_arr_time,
           dateadd(MINUTE, minute, time_hour) AS departs_at,
           arr_delay >= 30 AS late
    FROM {flights}
    WHERE arr_delay IS NOT NULL
    """,
    inputs=(flights,),
    contract=Departure,
    description="Flights that arrived; cancelled and diverted ones have no arrival delay.",
)

destinations = Curated(
    "destinations",
    "SELECT faa AS dest, lat AS dest_lat, lon AS dest_lon, alt AS dest_alt FROM {airports}",
    inputs=(airports,),
    contract=Destination,
)

observations = Curated(
    "observations",
    """
    SELECT origin, temp, dewp, humid, wind_speed, precip, pressure, visib,
           dateadd(HOUR, 1, time_hour) AS observed_by,
           dateadd(HOUR, 1, time_hour) AS _known_at
    FROM {weather}
    """,
    inputs=(weather,),
    contract=Observation,
    description="Weather with the time it is known by: most reports come late in their hour.",
)
