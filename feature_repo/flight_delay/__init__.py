"""Flights from New York: will this one arrive half an hour late?"""

from feature_repo.flight_delay.sources import OWNER, airlines
from feature_repo.flight_delay.training import delay, time_split
from lakehouse.declare import Domain

domain = Domain(
    "flight_delay",
    description="Real flights of 2013: deliveries at different rhythms, nothing from the future.",
    owner=OWNER,
    tables=(airlines,),
    models=(delay,),
    evaluations=(time_split,),
    deliver="feature_repo.flight_delay.deliveries:deliver",
)
