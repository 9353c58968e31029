"""Features known before departure: weather, plane, destination, and past punctuality."""

from feature_repo.flight_delay.sources import NEW_YORK, OWNER, planes
from feature_repo.flight_delay.tables import FlightPlan, departures, destinations, observations
from lakehouse.declare import (
    Count,
    Entity,
    FeatureView,
    LatestView,
    Mean,
    RequestView,
    last,
)

CARRIERS = (
    "9E",
    "AA",
    "AS",
    "B6",
    "DL",
    "EV",
    "F9",
    "FL",
    "HA",
    "MQ",
    "OO",
    "UA",
    "US",
    "VX",
    "WN",
    "YV",
)
WEATHER = ("temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib")

weather_now = LatestView(
    "weather_now",
    of=observations,
    by=Entity("origin_airport", key="origin"),
    columns=WEATHER,
    ttl="6h",
    description="The last observation at the airport before departure, at most six hours old.",
    owner=OWNER,
)
plane = LatestView(
    "plane",
    of=planes,
    by=Entity("plane", key="tailnum"),
    columns=("year", "seats", "engines"),
    description="The aircraft, as the newest register knows it.",
    owner=OWNER,
)
destination = LatestView(
    "destination",
    of=destinations,
    by=Entity("destination", key="dest"),
    columns=("dest_lat", "dest_lon", "dest_alt"),
    owner=OWNER,
)
# Punctuality is known a month late, when flights are delivered: the windows reach back far enough
# to hold delivered days, and known time keeps the undelivered ones out.
carrier_punctuality = FeatureView(
    "carrier_punctuality",
    of=departures,
    by=Entity("carrier", key="carrier"),
    flights=Count(over=last("90d", edge="1d")),
    late_share=Mean("late", over=last("90d", edge="1d")),
    owner=OWNER,
)
route_punctuality = FeatureView(
    "route_punctuality",
    of=departures,
    by=Entity("route", key=("origin", "dest")),
    flights=Count(over=last("90d", edge="1d")),
    late_share=Mean("late", over=last("90d", edge="1d")),
    owner=OWNER,
)


def _before_departure() -> dict[str, str]:
    inputs = {
        "distance": "distance",
        "scheduled_departure": "sched_dep_time",
        "scheduled_arrival": "sched_arr_time",
        "month": "month(departs_at)",
        "weekday": "weekday(departs_at)",
        "plane_age": "2013 - plane.year",
        "plane_seats": "plane.seats",
        "dest_lat": "destination.dest_lat",
        "dest_lon": "destination.dest_lon",
        "carrier_late_share": "carrier_punctuality.late_share_90d",
        "route_late_share": "route_punctuality.late_share_90d",
    }
    inputs |= {c: f"weather_now.{c}" for c in WEATHER}
    inputs |= {f"from_{o.lower()}": f"origin = '{o}'" for o in NEW_YORK}
    inputs |= {f"carrier_{c.lower()}": f"carrier = '{c}'" for c in CARRIERS}
    return inputs


before_departure = RequestView(
    "before_departure",
    request=FlightPlan,
    uses=(weather_now, plane, destination, carrier_punctuality, route_punctuality),
    description="All that is known of a flight before it departs.",
    owner=OWNER,
    **_before_departure(),
)
