"""Columns of a contract: a type, a place in the contract, and checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from lakehouse.declare.calls import declares
from lakehouse.language.kinds import Kind

Bound = int | float | Decimal | str | date | None
"""A bound or a member; of a timestamp or date, its ISO text (a datetime or date becomes that)."""


@dataclass(frozen=True)
class Column:
    """One column of a contract: its type, its place in the contract, and its checks.

    Checks carry pandera's names: `ge`, `le`, `gt`, `lt`, `isin`, `str_matches`, `unique`,
    `nullable`. `str_matches` is a regular expression that the *whole* text must match; it is
    written in what Python, RE2 and Java have in common, with `\\d`, `\\w` and `\\s` in ASCII.
    `scale` is the number of digits after the point of a decimal. `zone` is the IANA time zone of
    delivered times that carry none.
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


@declares("column(ge=0, scale=2)")
def column(
    *,
    ge: Bound = None,
    le: Bound = None,
    gt: Bound = None,
    lt: Bound = None,
    isin: Iterable[Any] | None = None,
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
        isin=_members(isin),
        str_matches=str_matches,
        unique=unique,
        personal=personal,
        scale=scale,
        zone=zone,
        description=description,
    )


@declares("key(personal=True)")
def key(*, personal: bool = False, str_matches: str | None = None, description: str = "") -> Any:
    """Describe a column of the row's key; several key columns form one composite key."""
    return Column(key=True, personal=personal, str_matches=str_matches, description=description)


@declares("event_time(known=True)")
def event_time(
    *, known: bool = False, key: bool = False, zone: str = "UTC", description: str = ""
) -> Any:
    """Describe the column that holds when the event happened.

    `known=True` says that a row is known the moment it happens: the file is the record of a
    live feed, however late the file itself arrives.
    """
    return Column(event_time=True, known_at=known, key=key, zone=zone, description=description)


@declares("known_at(zone='Europe/Berlin')")
def known_at(*, zone: str = "UTC", description: str = "") -> Any:
    """Describe the column that holds when the row came to be known."""
    return Column(known_at=True, zone=zone, description=description)


def _members(isin: Iterable[Any] | None) -> Any:
    if isinstance(isin, str) or not isinstance(isin, Iterable):
        return isin  # what is not several is refused where the column has a name
    # A set has no order of its own, and a declaration's digest must not depend on the process.
    unordered = isinstance(isin, set | frozenset)
    return tuple(sorted(isin, key=lambda m: (type(m).__name__, m)) if unordered else isin)
