"""What is delivered about flights from New York in 2013, each at its own rhythm."""

from datetime import datetime

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key

OWNER = "operations@airline.example"
NEW_YORK = ("EWR", "JFK", "LGA")


class Airline(Contract, owner=OWNER):
    """An airline by its two-letter code."""

    carrier: str = key()
    name: str


class Airport(Contract, owner=OWNER):
    """An airport by its FAA code."""

    faa: str = key()
    name: str
    lat: float = column(ge=-90, le=90)
    lon: float = column(ge=-180, le=180)
    alt: int = column(description="feet")
    tz: int = column(ge=-12, le=14, description="hours from UTC")
    dst: str
    tzone: str | None


class Plane(Contract, owner=OWNER):
    """An aircraft by its tail number."""

    tailnum: str = key()
    year: int | None = column(ge=1900, le=2013, description="year of manufacture")
    type: str
    manufacturer: str
    model: str
    engines: int = column(ge=1)
    seats: int = column(ge=1)
    speed: int | None
    engine: str


class Weather(Contract, owner=OWNER):
    """One hour's weather at a New York airport: the first report within the hour from `time_hour`.

    The local clock (year, month, day, hour) repeats an hour in November, so that the key is
    the UTC hour.
    """

    origin: str = key(str_matches="[A-Z]{3}")
    year: int
    month: int = column(ge=1, le=12)
    day: int = column(ge=1, le=31)
    hour: int = column(ge=0, le=23)
    temp: float | None = column(description="degrees Fahrenheit")
    dewp: float | None = column(description="degrees Fahrenheit")
    humid: float | None = column(ge=0, le=100, description="per cent")
    wind_dir: int | None = column(ge=0, le=360, description="degrees")
    wind_speed: float | None = column(ge=0, le=250, description="miles an hour")
    wind_gust: float | None = column(ge=0, le=250, description="miles an hour")
    precip: float | None = column(ge=0, description="inches")
    pressure: float | None = column(description="millibars")
    visib: float | None = column(ge=0, description="miles")
    time_hour: datetime = event_time(known=True, key=True)


class Flight(Contract, owner=OWNER):
    """One scheduled departure and what became of it; known when its month is delivered."""

    year: int
    month: int = column(ge=1, le=12)
    day: int = column(ge=1, le=31)
    dep_time: int | None = column(ge=1, le=2400, description="local, hhmm")
    sched_dep_time: int = column(ge=0, le=2400, description="local, hhmm")
    dep_delay: int | None = column(description="minutes")
    arr_time: int | None = column(ge=1, le=2400, description="local, hhmm")
    sched_arr_time: int = column(ge=0, le=2400, description="local, hhmm")
    arr_delay: int | None = column(description="minutes")
    carrier: str = key()
    flight: int = key()
    tailnum: str | None
    origin: str = column(isin=NEW_YORK)
    dest: str
    air_time: int | None = column(ge=1, description="minutes")
    distance: int = column(ge=1, description="miles")
    hour: int = column(ge=0, le=24, description="of the scheduled departure, local")
    minute: int = column(ge=0, le=59, description="of the scheduled departure")
    time_hour: datetime = event_time(key=True, description="scheduled departure's hour, UTC")


def _snapshot(name: str, contract: type[Contract]) -> Cleaned:
    source = Source(f"{name}_feed", contract, path=f"{name}/{{delivered_at}}.csv", mode="snapshot")
    return Cleaned(name, Raw(f"{name}_raw", source), on_conflict="history")


airlines = _snapshot("airlines", Airline)
airports = _snapshot("airports", Airport)
planes = _snapshot("planes", Plane)
weather = Cleaned(
    "weather",
    Raw("weather_raw", Source("weather_feed", Weather, path="weather/*.csv")),
    on_conflict="latest",
)
flights = Cleaned(
    "flights",
    Raw("flights_raw", Source("flight_feed", Flight, path="flights/{delivered_at}.csv")),
    on_conflict="latest",
)
