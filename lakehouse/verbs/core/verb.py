"""A verb: a function with a name, parameters that say what they are, and an answer."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lakehouse import verbs
from lakehouse.verbs.core.answer import Answer
from lakehouse.verbs.core.parameters import Parameter, parameters
from lakehouse.verbs.core.session import Session

GROUPS = {
    "contract": "Contracts, held against what is delivered.",
    "features": "Feature values, and the rows behind a number.",
    "keys": "Keys for the service; only their hashes are kept.",
    "models": "Model versions: list, promote, roll back.",
    "quarantine": "Rows that broke their contract, and their return.",
}
"""What verbs of two words begin with, and what these are about."""


@dataclass(frozen=True)
class Verb:
    """One verb; `name` is what it is asked for by, one word, or one after that of a group."""

    name: str
    function: Callable[..., Answer]

    @property
    def help(self) -> str:
        """What it does: a sentence, then what else its user has to know."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.function)

    def __call__(self, session: Session, values: Mapping[str, Any]) -> Answer:
        """Do it with the values by parameter; those left out have their defaults."""
        read = {
            p.name: p.read(values[p.name])
            for p in self.parameters
            if values.get(p.name) is not None
        }
        return self.function(session, **read)


def verb(name: str) -> Callable[[Callable[..., Answer]], Verb]:
    """Make a function the verb of that name; it stands in a file of this package."""

    def make(function: Callable[..., Answer]) -> Verb:
        return Verb(name, function)

    return make


def every_verb() -> Iterator[Verb]:
    """Every verb that there is, by the names of their files."""
    for module in pkgutil.iter_modules(verbs.__path__, f"{verbs.__name__}."):
        if not module.ispkg:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Verb) and value.function.__module__ == module.name:
                    yield value
