"""An entity's key as bytes that no other entity has.

A key of one column is its value's text. In a key of several columns each value's text is
preceded by its length, so that ("1", "11") and ("11", "1") stay apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lakehouse.declare.features import Entity, StoredView
from lakehouse.declare.tables import table_column
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.stored_numbers import us_of
from lakehouse.language.kinds import Kind

Encode = Callable[[Any], bytes]
Key = Mapping[str, Any] | tuple[Any, ...]
"""Values of the key's columns by name, beside whatever else, or in their order."""


class EntityKeyError(LakehouseError):
    """What was given cannot be an entity's key."""


class EntityKeys:
    """The keys of one view's entity.

    >>> route = EntityKeys(("origin", "dest"), ("string", "string"))
    >>> route.of({"origin": "EWR", "dest": "BOS", "carrier": "UA"}), route.of(("1", "11"))
    (b'3:EWR3:BOS', b'1:12:11')
    """

    def __init__(self, names: Sequence[str], kinds: Sequence[Kind], of: str = "entity") -> None:
        self.names = tuple(names)
        self._of = of
        self._encoders = [_ENCODERS[kind] for kind in kinds]
        self._only = self._encoders[0] if len(self.names) == 1 else None

    @classmethod
    def of_view(cls, view: StoredView) -> EntityKeys:
        """The keys of a view's entity, typed as its table's columns are."""
        entity: Entity = view.by
        kinds = [table_column(view.of, name).kind for name in entity.keys]
        return cls(entity.keys, kinds, f"Entity '{entity.name}'")

    def of(self, values: Key) -> bytes | None:
        """The key of the entity that `values` tells; None if one of them is null.

        Raises EntityKeyError for a missing column or a value of another type.
        """
        try:
            if isinstance(values, tuple):
                return self._joined(values)
            if self._only is not None:
                value = values[self.names[0]]
                return None if value is None else self._only(value)
            return self._joined(tuple(values[name] for name in self.names))
        except KeyError as error:
            raise EntityKeyError(
                f"{self._of} is told by {', '.join(self.names)}, and '{error.args[0]}' is not "
                "given; give it."
            ) from error
        except _WrongType as error:
            raise EntityKeyError(
                f"{self._of}: its key ({', '.join(self.names)}) was given {error}."
            ) from error

    def _joined(self, values: tuple[Any, ...]) -> bytes | None:
        if len(values) != len(self._encoders):
            raise _WrongType(f"{len(values)} value(s) where it takes {len(self._encoders)}")
        if any(value is None for value in values):
            return None
        texts = [encode(value) for encode, value in zip(self._encoders, values, strict=True)]
        return texts[0] if len(texts) == 1 else b"".join(b"%d:%b" % (len(t), t) for t in texts)


class _WrongType(Exception):
    """What was given, and what is wanted."""


def _typed(kind: type, name: str, text: Callable[[Any], str]) -> Encode:
    def encode(value: Any) -> bytes:
        if type(value) is not kind:
            raise _WrongType(f"a {type(value).__name__} where it takes {name}")
        return text(value).encode()

    return encode


def _decimal(value: Decimal) -> str:
    """Equal amounts have equal texts, however many zeros they are written with."""
    return f"{value.normalize() + 0:f}"


_ENCODERS: dict[Kind, Encode] = {
    "string": _typed(str, "text", str),
    "int": _typed(int, "a whole number", str),
    "decimal": _typed(Decimal, "a decimal", _decimal),
    "float": _typed(float, "a float", lambda value: repr(value + 0.0)),  # -0.0 is 0.0
    "bool": _typed(bool, "true or false", str),
    "timestamp": _typed(datetime, "a time", lambda value: str(us_of(value))),
    "date": _typed(date, "a date", date.isoformat),
}
