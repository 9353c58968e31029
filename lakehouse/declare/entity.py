"""What features are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lakehouse.declare.arguments import no_repeats, several
from lakehouse.declare.calls import declares
from lakehouse.declare.fields import set_fields
from lakehouse.declare.tables import check_name
from lakehouse.errors import DeclarationError


@declares("Entity('card', key='card_id')")
@dataclass(frozen=True, init=False)
class Entity:
    """What a feature is about: a name and the key column or columns that identify it."""

    name: str
    keys: tuple[str, ...]

    def __init__(self, name: str, key: str | Iterable[str]) -> None:
        check_name("Entity", name)
        where = f"Entity '{name}'"
        given = (key,) if isinstance(key, str) else key
        keys = several(where, "key", given, (str,), "key='card_id', or key=('card_id', 'shop_id')")
        if not keys:
            raise DeclarationError(f"{where} has no key; name a column, as in key='card_id'.")
        no_repeats(where, "key", keys)
        set_fields(self, name=name, keys=keys)
