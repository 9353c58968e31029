"""Columns of delivered files under the names they have in the lake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lakehouse.errors import DeliveryError
from lakehouse.language.provenance import RESERVED

MAX_COLUMNS = 1_000
_NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\r\t=]")


class LakeNames:
    """The name in the lake of each delivered column.

    Names are compared without regard to case, as SQL does: a delivered column takes the spelling
    wanted, a further one is written small. Blanks around a name are dropped, characters that
    Delta refuses become `_`, a column without a name is called after its place.

    >>> LakeNames(["amount_eur"]).of(["Amount_EUR ", "Note (de)", ""], "the header")
    ['amount_eur', 'note__de_', 'column_3']
    """

    def __init__(self, wanted: Iterable[str]) -> None:
        self._spelling = {name.lower(): name for name in wanted}

    def of(self, delivered: Sequence[str], where: str) -> list[str]:
        """Return the names; raises DeliveryError for one that stands twice or is the platform's."""
        if len(delivered) > MAX_COLUMNS:
            raise DeliveryError(
                f"{where} has {len(delivered)} columns; at most {MAX_COLUMNS} are taken"
            )
        names, places = [], dict[str, int]()
        for place, said in enumerate(delivered, start=1):
            name = _NOT_IN_DELTA.sub("_", said.strip()) or f"column_{place}"
            if name.lower() in places:
                raise DeliveryError(
                    f"column '{name}' stands twice in {where}, at {places[name.lower()]} and "
                    f"{place}"
                )
            if name.lower() in RESERVED:
                raise DeliveryError(f"column '{name}' in {where} has a name of the platform's own")
            places[name.lower()] = place
            names.append(self._spelling.get(name.lower(), name.lower()))
        return names
