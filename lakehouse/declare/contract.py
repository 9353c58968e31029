"""Contracts: what a row of a source must look like, said once."""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from lakehouse.declare import contract_checks
from lakehouse.declare.columns import Bound, Column, column, event_time, key, known_at
from lakehouse.declare.constants import as_declared
from lakehouse.errors import DeclarationError, described, unknown
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind

__all__ = [
    "MAX_DECIMAL_PRECISION",
    "Bound",
    "Column",
    "Contract",
    "ContractSpec",
    "Kind",
    "column",
    "contract_spec",
    "event_time",
    "key",
    "known_at",
]
_KINDS: dict[type, Kind] = {
    str: "string",
    int: "int",
    float: "float",
    Decimal: "decimal",
    bool: "bool",
    datetime: "timestamp",
    date: "date",
}


@dataclass(frozen=True)
class ContractSpec:
    """A compiled contract: the columns in declared order, the owner and the description."""

    name: str
    columns: tuple[Column, ...]
    owner: str = ""
    description: str = ""

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their names."""
        return {c.name: c for c in self.columns}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.key)

    @property
    def event_time(self) -> str | None:
        return next((c.name for c in self.columns if c.event_time), None)

    @property
    def known_at(self) -> str | None:
        return next((c.name for c in self.columns if c.known_at), None)

    @property
    def personal(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.personal)

    def column(self, name: str) -> Column:
        """Return the column of that name; raises DeclarationError naming what exists."""
        if name not in self.by_name:
            raise DeclarationError(unknown("column", name, self.by_name, f"Contract {self.name}"))
        return self.by_name[name]


class Contract:
    """Base of every contract; a subclass declares one column per annotated attribute.

    >>> class Payment(Contract, owner="payments@bank.example"):
    ...     payment_id: str = key()
    ...     amount_eur: Decimal = column(ge=0, scale=2)
    ...     country: str | None
    ...     paid_at: datetime = event_time(known=True)
    >>> Payment.spec.keys, Payment.spec.event_time, Payment.spec.column("country").nullable
    (('payment_id',), 'paid_at', True)
    """

    spec: ClassVar[ContractSpec]

    def __init_subclass__(cls, *, owner: str = "", **options: Any) -> None:
        for option in options:
            raise DeclarationError(
                f"Contract {cls.__name__} has no option '{option}'; say who owns it, as in "
                f"class {cls.__name__}(Contract, owner='payments@bank.example'), or nothing."
            )
        super().__init_subclass__()
        bases = [base for base in cls.__mro__ if base not in (Contract, object)]
        try:
            _check_attributes(cls.__name__, bases)
            hints = typing.get_type_hints(cls)
        except NameError as error:
            raise DeclarationError(
                f"Contract {cls.__name__}: type '{error.name}' is not known where the contract is "
                "declared; import it at the top of its module, not under TYPE_CHECKING."
            ) from error
        hints.pop("spec")
        assigned = {n: v for base in reversed(bases) for n, v in vars(base).items()}
        columns = tuple(
            _column(f"{cls.__name__}.{name}", name, hint, assigned.get(name))
            for name, hint in hints.items()
        )
        contract_checks.check(cls.__name__, columns)
        cls.spec = ContractSpec(cls.__name__, columns, owner, inspect.cleandoc(cls.__doc__ or ""))

    @classmethod
    def to_pandera(cls, backend: str = "pandas") -> Any:
        """Compile to a pandera DataFrameSchema, for notebooks and generated data.

        See `lakehouse.adapters.pandera`; needs `pip install 'lakehouse[pandera]'`.
        """
        # By name, because a declaration imports no engine.
        compiler = importlib.import_module("lakehouse.adapters.pandera")
        return compiler.to_pandera(cls.spec, backend)


def contract_spec(declared: type[Contract] | ContractSpec, where: str) -> ContractSpec:
    """Return the compiled contract of a contract class; refuses anything else."""
    spec = declared if isinstance(declared, ContractSpec) else getattr(declared, "spec", None)
    if not isinstance(spec, ContractSpec):
        raise DeclarationError(
            f"{where}: the contract is {described(declared)}; write the name of a class that is "
            "declared as class Payment(Contract)."
        )
    return spec


def _check_attributes(contract: str, bases: list[type]) -> None:
    for base in bases:
        annotated = inspect.get_annotations(base)
        for name in annotated:
            if name.startswith("_"):
                raise DeclarationError(
                    f"{contract}.{name}: names that begin with '_' are the platform's own; rename "
                    "the column."
                )
            if hasattr(Contract, name) or name == "spec":
                raise DeclarationError(
                    f"{contract}.{name}: every contract has a '{name}' of its own; rename the "
                    "column."
                )
        for name, value in vars(base).items():
            if isinstance(value, Column) and name not in annotated:
                raise DeclarationError(
                    f"{contract}.{name} has no type; write one, as in {name}: str = ..."
                )


def _column(where: str, name: str, hint: Any, declared: Any) -> Column:
    if declared is not None and not isinstance(declared, Column):
        raise DeclarationError(
            f"{where} = {declared!r}: write column(...), key(), event_time() or known_at() "
            "on the right-hand side, or nothing."
        )
    nullable = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        arms = [a for a in typing.get_args(hint) if a is not type(None)]
        nullable = len(arms) < len(typing.get_args(hint))
        hint = arms[0] if len(arms) == 1 else hint
    kind = next((k for t, k in _KINDS.items() if t is hint), None)
    if kind is None:
        shown = hint.__name__ if isinstance(hint, type) else str(hint)
        raise DeclarationError(
            f"{where}: type {shown} is not one of str, int, float, Decimal, bool, datetime, "
            "date (each may be `| None`)."
        )
    made = replace(declared or Column(), name=name, kind=kind, nullable=nullable)
    constants = {b: as_declared(getattr(made, b)) for b in contract_checks.BOUNDS}
    if isinstance(made.isin, tuple):
        constants["isin"] = tuple(as_declared(member) for member in made.isin)
    return replace(made, **constants)
