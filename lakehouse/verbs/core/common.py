"""Parameters that many verbs have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from lakehouse.verbs.core.parameters import Argument, Option

DomainName = Annotated[str, Argument("A domain by name, or the Python file that declares one.")]
ModelName = Annotated[str | None, Argument("The model; may be left out if there is one.")]
CleanedName = Annotated[str | None, Argument("Only this cleaned table.")]
EntityKey = Annotated[str, Argument('The entity\'s key as JSON: \'{"card_id": "17"}\'.')]
EngineName = Annotated[str, Option("Which engine works.")]
Wait = Annotated[float, Option("Seconds to wait for another writer.", in_job=600.0)]
Seed = Annotated[int, Option("Seed of everything random.")]
Version = Annotated[int | None, Option("Default: the champion.")]
At = Annotated[datetime | None, Option("The moment; default: the lake's clock.")]
