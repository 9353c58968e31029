"""Declarations as plain data, so that a model can keep the ones it was made from.

Objects become a list of nodes that refer to each other by number: JSON in, the same frozen
objects out, without running any domain's code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lakehouse.declare import contract, domain, durations, features, gates, tables, training
from lakehouse.declare.features import ColumnFeature, ComputedFeature, WindowedFeature
from lakehouse.declare.fields import set_fields
from lakehouse.errors import LakehouseError, described

_TYPES: dict[str, type] = {
    t.__name__: t
    for module in (contract, durations, tables, features, gates, training, domain)
    for t in vars(module).values()
    if isinstance(t, type) and dataclasses.is_dataclass(t)
}
_ADDED: dict[str, tuple[str, ...]] = {
    "Aggregate": ("default", "argument"),
    "Feature": ("many", "default"),
    "FeatureView": ("fresh_within",),
    "LatestView": ("defaults", "fresh_within"),
    "RequestView": ("fresh_within",),
}
"""Fields that came after declarations were first kept: left out of the data where they say
nothing, so that what was declared before keeps its digest."""
_KINDS: dict[str, dict[str, type]] = {
    "Feature": {
        "aggregate": WindowedFeature,
        "column": ColumnFeature,
        "expression": ComputedFeature,
    },
}
"""Types that are recorded under one name, each by the field that tells it from the others.

They are recorded with what only some of them have too, null in the others, as they were one type
when declarations were first kept."""


@dataclasses.dataclass(frozen=True)
class FunctionReference:
    """A function by name, with the digest of its module's source; calling it imports it.

    The digest says what the function was when it was recorded; what is imported is the code of
    today.
    """

    module: str
    qualname: str
    source_sha256: str

    @staticmethod
    def of(function: Callable[..., Any] | FunctionReference) -> FunctionReference:
        if isinstance(function, FunctionReference):
            return function
        name = f"{function.__module__}:{function.__qualname__}"
        try:
            source = inspect.getsource(sys.modules[function.__module__])
        except (OSError, TypeError, KeyError) as error:
            raise LakehouseError(
                f"The source of function {name} cannot be read ({error}); put it in a file that "
                "can be imported, so that its code can be named and found again."
            ) from error
        digest = hashlib.sha256(source.encode()).hexdigest()
        return FunctionReference(function.__module__, function.__qualname__, digest)

    def load(self) -> Callable[..., Any]:
        """Import the function; raises LakehouseError if it is gone."""
        try:
            target: Any = importlib.import_module(self.module)
            for part in self.qualname.split("."):
                target = getattr(target, part)
        except (ImportError, AttributeError) as error:
            raise LakehouseError(
                f"Function {self.module}:{self.qualname} cannot be imported ({error}); check out "
                "the code version it was recorded with."
            ) from error
        found: Callable[..., Any] = target
        return found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.load()(*arguments, **named)


_TYPES["FunctionReference"] = FunctionReference
_NAMES: dict[type, str] = {
    **{t: name for name, t in _TYPES.items()},
    **{t: name for name, kinds in _KINDS.items() for t in kinds.values()},
}
"""The name that each type is recorded under."""


def _own(kind: type) -> set[str]:
    return {f.name for f in dataclasses.fields(kind)}


_NOT_OF_ALL: dict[str, frozenset[str]] = {
    name: frozenset(
        field
        for kind in kinds.values()
        for field in _own(kind)
        if not all(field in _own(other) for other in kinds.values())
    )
    for name, kinds in _KINDS.items()
}
"""Of types that are recorded under one name, the fields that some of them lack."""


def to_data(item: Any) -> dict[str, Any]:
    """Compile a declaration to JSON-able data: {"nodes": [...], "root": number}.

    Equal declarations give equal data, however their objects are shared.
    """
    nodes: list[dict[str, Any]] = []
    places: dict[str, int] = {}  # by JSON text, which tells 1, 1.0 and true apart
    seen: dict[int, int] = {}
    kept: list[Any] = []  # keeps objects alive, so that an id stays theirs

    def encode(value: Any, where: str) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Decimal):
            return {"decimal": str(value)}
        if isinstance(value, tuple | list):
            return [encode(v, where) for v in value]
        if isinstance(value, Mapping):
            return {"map": [[encode(k, where), encode(v, where)] for k, v in value.items()]}
        if id(value) in seen:
            return {"ref": seen[id(value)]}
        kept.append(value)
        declared = value
        if callable(value) and not dataclasses.is_dataclass(value):
            declared = FunctionReference.of(value)
        if type(declared) not in _NAMES:
            raise LakehouseError(
                f"{where} is {described(value)}, which cannot stand in a declaration; give it "
                "texts, numbers, and what lakehouse.declare offers."
            )
        name = _NAMES[type(declared)]
        fields: dict[str, Any] = dict.fromkeys(_NOT_OF_ALL.get(name, ()))
        for f in dataclasses.fields(declared):
            if not _says_nothing(declared, name, f.name):
                fields[f.name] = encode(getattr(declared, f.name), f"{name}.{f.name}")
        node = {"type": name, "fields": fields}
        place = places.setdefault(json.dumps(node, sort_keys=True), len(nodes))
        if place == len(nodes):
            nodes.append(node)
        seen[id(value)] = place
        return {"ref": place}

    root = encode(item, "The declaration")
    if not isinstance(root, dict) or "ref" not in root:
        raise LakehouseError(f"A declaration is an object such as a Model, not {described(item)}.")
    return {"nodes": nodes, "root": root["ref"]}


def _says_nothing(declared: Any, name: str, field: str) -> bool:
    """Whether a field was added since and holds what stands in for it where it is not recorded."""
    if field not in _ADDED.get(name, ()):
        return False
    return bool(getattr(declared, field) == getattr(type(declared), field))


def from_data(data: dict[str, Any]) -> Any:
    """Rebuild the declaration that `to_data` compiled, without running any domain's code.

    Raises LakehouseError for a type or a field that this version of the platform lacks.
    """
    built: list[Any] = []

    def decode(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(decode(v) for v in value)
        if isinstance(value, dict):
            if "ref" in value:
                return built[value["ref"]]
            if "decimal" in value:
                return Decimal(value["decimal"])
            return {decode(k): decode(v) for k, v in value["map"]}
        return value

    for node in data["nodes"]:
        kind, fields = _recorded(node["type"], node["fields"])
        item: Any = object.__new__(kind)
        set_fields(item, **{name: decode(value) for name, value in fields.items()})
        built.append(item)
    return built[data["root"]]


def _recorded(name: str, recorded: Mapping[str, Any]) -> tuple[type, Mapping[str, Any]]:
    """The type of a recorded node and its fields: all that have no default have to be there."""
    kind = _TYPES.get(name)
    if name in _KINDS:
        others = _NOT_OF_ALL[name]
        recorded = {f: v for f, v in recorded.items() if f not in others or v is not None}
        kind = next((t for f, t in _KINDS[name].items() if f in recorded), None)
    if kind is None:
        raise LakehouseError(
            f"The recorded declaration holds a {name}, which this version does not know; read it "
            "with the version that recorded it."
        )
    fields = _own(kind)
    # A default is an attribute of the class: it stands in for a field added since.
    lacking = sorted(f for f in fields if f not in recorded and not hasattr(kind, f))
    for f in [*lacking, *(f for f in recorded if f not in fields)]:
        raise LakehouseError(
            f"The recorded {name} {'lacks' if f in lacking else 'holds'} '{f}', unlike this "
            "version's; read it with the version that recorded it."
        )
    return kind, recorded


def digest(item: Any) -> str:
    """SHA-256 of a declaration's compiled data: equal declarations have equal digests."""
    text = json.dumps(to_data(item), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
