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
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lakehouse.declare import contract, domain, durations, features, tables, training
from lakehouse.errors import LakehouseError

_TYPES: dict[str, type] = {
    t.__name__: t
    for module in (contract, durations, tables, features, training, domain)
    for t in vars(module).values()
    if isinstance(t, type) and dataclasses.is_dataclass(t)
}


@dataclasses.dataclass(frozen=True)
class FunctionReference:
    """A function by name, with the digest of its module's source; calling it imports it."""

    module: str
    qualname: str
    source_sha256: str

    @staticmethod
    def of(function: Callable[..., Any] | FunctionReference) -> FunctionReference:
        if isinstance(function, FunctionReference):
            return function
        module = inspect.getmodule(function)
        source = inspect.getsource(module) if module is not None else ""
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


def to_data(item: Any) -> dict[str, Any]:
    """Compile a declaration to JSON-able data: {"nodes": [...], "root": number}."""
    nodes: list[dict[str, Any]] = []
    seen: dict[int, int] = {}
    kept: list[Any] = []  # keeps objects alive, so that an id stays theirs

    def encode(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Decimal):
            return {"decimal": str(value)}
        if isinstance(value, tuple | list):
            return [encode(v) for v in value]
        if isinstance(value, dict):
            return {"map": [[encode(k), encode(v)] for k, v in value.items()]}
        if callable(value) and not dataclasses.is_dataclass(value):
            value = FunctionReference.of(value)
        if type(value).__name__ not in _TYPES:
            raise LakehouseError(f"A {type(value).__name__} cannot stand in a declaration.")
        if id(value) not in seen:
            fields = {
                f.name: encode(getattr(value, f.name))
                for f in dataclasses.fields(value)
                if f.name != "by_name"
            }
            node = {"type": type(value).__name__, "fields": fields}
            seen[id(value)] = nodes.index(node) if node in nodes else len(nodes)
            kept.append(value)
            if seen[id(value)] == len(nodes):
                nodes.append(node)
        return {"ref": seen[id(value)]}

    root = encode(item)["ref"]
    return {"nodes": nodes, "root": root}


def from_data(data: dict[str, Any]) -> Any:
    """Rebuild the declaration that `to_data` compiled."""
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
        item: Any = object.__new__(_TYPES[node["type"]])
        for name, value in node["fields"].items():
            object.__setattr__(item, name, decode(value))
        if isinstance(item, contract.ContractSpec):
            object.__setattr__(item, "by_name", {c.name: c for c in item.columns})
        built.append(item)
    return built[data["root"]]


def digest(item: Any) -> str:
    """SHA-256 of a declaration's compiled data: equal declarations have equal digests."""
    text = json.dumps(to_data(item), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
