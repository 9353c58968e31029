"""Contracts: what a row of a source must look like, said once."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from lakehouse.errors import DeclarationError, unknown

Kind = Literal["string", "int", "float", "decimal", "bool", "timestamp", "date"]
Bound = int | float | Decimal | str | None
_KINDS: dict[type, Kind] = {
    str: "string",
    int: "int",
    float: "float",
    Decimal: "decimal",
    bool: "bool",
    datetime: "timestamp",
    date: "date",
}
MAX_DECIMAL_PRECISION = 18
"""Decimals are held as scaled 64-bit integers, so that sums are exact on every engine."""


@dataclass(frozen=True)
class Column:
    """One column of a contract: its type, its place in the contract, and its checks.

    Checks carry pandera's names: `ge`, `le`, `gt`, `lt`, `isin`, `str_matches`, `unique`,
    `nullable`. `scale` is the number of digits after the point of a decimal. `zone` is the
    IANA time zone of delivered times that carry none.
    """

    name: str = ""
    kind: Kind = "string"
    nullable: bool = False
    key: bool = False
    event_time: bool = False
    known_at: bool = False
    personal: bool = False
    unique: bool = False
    ge: Bound = None
    le: Bound = None
    gt: Bound = None
    lt: Bound = None
    isin: tuple[Any, ...] | None = None
    str_matches: str | None = None
    scale: int | None = None
    zone: str = "UTC"
    description: str = ""

    @property
    def numeric(self) -> bool:
        return self.kind in ("int", "float", "decimal")


def column(
    *,
    ge: Bound = None,
    le: Bound = None,
    gt: Bound = None,
    lt: Bound = None,
    isin: typing.Iterable[Any] | None = None,
    str_matches: str | None = None,
    unique: bool = False,
    personal: bool = False,
    scale: int | None = None,
    zone: str = "UTC",
    description: str = "",
) -> Any:
    """Describe a column: `amount_eur: Decimal = column(ge=0, scale=2)`."""
    return Column(
        ge=ge,
        le=le,
        gt=gt,
        lt=lt,
        isin=tuple(isin) if isin is not None else None,
        str_matches=str_matches,
        unique=unique,
        personal=personal,
        scale=scale,
        zone=zone,
        description=description,
    )


def key(*, personal: bool = False, str_matches: str | None = None, description: str = "") -> Any:
    """Describe a column of the row's key; several key columns form one composite key."""
    return Column(key=True, personal=personal, str_matches=str_matches, description=description)


def event_time(
    *, known: bool = False, key: bool = False, zone: str = "UTC", description: str = ""
) -> Any:
    """Describe the column that holds when the event happened.

    `known=True` says that a row is known the moment it happens: the file is the record of a
    live feed, however late the file itself arrives.
    """
    return Column(event_time=True, known_at=known, key=key, zone=zone, description=description)


def known_at(*, zone: str = "UTC", description: str = "") -> Any:
    """Describe the column that holds when the row came to be known."""
    return Column(known_at=True, zone=zone, description=description)


@dataclass(frozen=True)
class ContractSpec:
    """A compiled contract: the columns in declared order, the owner and the description."""

    name: str
    columns: tuple[Column, ...]
    owner: str = ""
    description: str = ""
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {c.name: c for c in self.columns})

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
        super().__init_subclass__(**options)
        hints = typing.get_type_hints(cls)
        hints.pop("spec", None)
        columns = tuple(_column(cls, name, hint) for name, hint in hints.items())
        cls.spec = ContractSpec(cls.__name__, columns, owner, (cls.__doc__ or "").strip())
        _check(cls.spec)


def _column(contract: type, name: str, hint: Any) -> Column:
    where = f"{contract.__name__}.{name}"
    if name.startswith("_"):
        raise DeclarationError(
            f"{where}: names that begin with '_' are the platform's own; rename the column."
        )
    declared = getattr(contract, name, None)
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
    if hint not in _KINDS:
        raise DeclarationError(
            f"{where}: type {hint!r} is not one of str, int, float, Decimal, bool, datetime, "
            "date (each may be `| None`)."
        )
    return replace(declared or Column(), name=name, kind=_KINDS[hint], nullable=nullable)


def _check(spec: ContractSpec) -> None:
    def wrong(c: Column, why: str) -> DeclarationError:
        return DeclarationError(f"{spec.name}.{c.name}: {why}")

    for c in spec.columns:
        if c.kind == "decimal" and c.scale is None:
            raise wrong(c, "a Decimal needs its digits after the point: column(scale=2).")
        if c.kind != "decimal" and c.scale is not None:
            raise wrong(c, f"scale is for Decimal columns, this one is {c.kind}.")
        if c.scale is not None and not 0 <= c.scale < MAX_DECIMAL_PRECISION:
            raise wrong(c, f"scale must lie between 0 and {MAX_DECIMAL_PRECISION - 1}.")
        if (c.event_time or c.known_at) and c.kind != "timestamp":
            raise wrong(c, f"event_time and known_at need a datetime, this one is {c.kind}.")
        if c.str_matches is not None and c.kind != "string":
            raise wrong(c, f"str_matches is for str columns, this one is {c.kind}.")
        if any(b is not None for b in (c.ge, c.le, c.gt, c.lt)) and c.kind in ("string", "bool"):
            raise wrong(c, f"ge, le, gt and lt need an ordered type, this one is {c.kind}.")
        if c.key and c.nullable:
            raise wrong(c, "a key column cannot be nullable.")
    for role in ("event_time", "known_at"):
        holders = [c.name for c in spec.columns if getattr(c, role)]
        if len(holders) > 1:
            raise DeclarationError(
                f"{spec.name} marks {len(holders)} columns as {role}: "
                f"{', '.join(holders)}. Keep one."
            )
