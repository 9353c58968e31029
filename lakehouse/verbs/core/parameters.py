"""The parameters of a verb, read from the signature of its function.

    def status(session: Session, limit: Annotated[int, Option("How many.")] = 20) -> Answer:

An `Argument` is told by its place, an `Option` by its name. Types are str, int, float, bool, Path,
datetime (a moment as ISO 8601 has it), each with `| None` if it may be left out, and list[str].
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from lakehouse.errors import DeclarationError, LakehouseError

KINDS = (str, int, float, bool, Path, datetime)


@dataclass(frozen=True)
class Argument:
    """A parameter that is told by its place."""

    help: str


@dataclass(frozen=True)
class Option:
    """A parameter that is told by its name.

    `flags` are its spellings, by default its name's; a truth whose flags are given has no
    `--no-…`. `in_job` is the default where a scheduler asks, if that is another one.
    """

    help: str
    flags: tuple[str, ...] = ()
    in_job: Any = None


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name and type, whether there may be many, its default, and its mark."""

    name: str
    kind: type
    many: bool
    required: bool
    default: Any
    mark: Argument | Option

    @property
    def flags(self) -> tuple[str, ...]:
        """How the option is spelled; nothing for an argument."""
        if isinstance(self.mark, Argument):
            return ()
        return self.mark.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def deniable(self) -> bool:
        """Whether the option is a truth that is spelled with and without `no`."""
        return isinstance(self.mark, Option) and self.kind is bool and not self.mark.flags

    @property
    def reads(self) -> bool:
        """Whether the verb reads the value from its text itself: a moment."""
        return self.kind is datetime

    def read(self, value: Any) -> Any:
        """The value from what was written: a moment is read, all else is of its type already."""
        return moment(value) if self.reads and isinstance(value, str) else value


def parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters of a verb's function, without the session it is handed first.

    Raises DeclarationError for one that is no Argument or Option, or of a type that nobody reads.
    """
    _, *declared = inspect.signature(function, eval_str=True).parameters.values()
    return tuple(_parameter(function.__name__, one) for one in declared)


def _parameter(verb: str, declared: inspect.Parameter) -> Parameter:
    where = f"Parameter '{declared.name}' of verb '{verb}'"
    marks = [m for m in get_args(declared.annotation)[1:] if isinstance(m, Argument | Option)]
    if len(marks) != 1:
        raise DeclarationError(
            f"{where} is neither argument nor option; write Annotated[…, Option('What it does.')]."
        )
    kind = get_args(declared.annotation)[0]
    if isinstance(kind, UnionType):
        kind = next(k for k in get_args(kind) if k is not type(None))
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    if kind not in KINDS:
        names = ", ".join(k.__name__ for k in KINDS)
        raise DeclarationError(f"{where} is of type {kind}, which is none of {names}.")
    required = declared.default is inspect.Parameter.empty
    default = None if required else declared.default
    return Parameter(declared.name, kind, many, required, default, marks[0])


def moment(text: str) -> datetime:
    """Read a moment: ISO 8601, UTC where it names no zone; raises LakehouseError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise LakehouseError(
            f"'{text}' is not a moment: write 2018-09-30 or 2018-09-30T12:00:00Z."
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
