"""The platform's errors: each says what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class LakehouseError(Exception):
    """Base of every error the platform raises on purpose."""


class DeclarationError(LakehouseError):
    """A use case is declared wrongly; raised where the declaration is imported."""


class NotFound(LakehouseError):
    """Something asked for by name does not exist; the message names what does."""


class DeliveryError(LakehouseError):
    """A delivered file cannot be taken in; it is set aside, the others go on."""


class ContractViolation(LakehouseError):
    """Rows break their contract where the table declares `on_violation="stop"`."""


class GateRefused(LakehouseError):
    """A candidate model did not pass its gate; the message lists the reasons."""


class LakeFormatError(LakehouseError):
    """The folder is not a lake, or one written in a format this version cannot read."""


class LakeLocked(LakehouseError):
    """Another process is writing to this lake."""


def unknown(kind: str, name: str, existing: Iterable[str], where: str = "") -> str:
    """Return the message for an unknown name: what exists instead, at most five examples.

    >>> unknown("column", "amount", ["amount_eur", "card_id"], "Payment")
    "Payment has no column 'amount'; did you mean 'amount_eur'? It has: amount_eur, card_id."
    """
    names = sorted(existing)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    guess = f"; did you mean '{close[0]}'?" if close else "."
    shown = names if len(names) <= 5 else sorted(get_close_matches(name, names, 5, 0.0))
    more = f" … and {len(names) - 5} more" if len(names) > 5 else ""
    listing = f" It has: {', '.join(shown)}{more}." if names else " It has none."
    subject = where or "It"
    return f"{subject} has no {kind} '{name}'{guess}{listing}"


def described(value: Any) -> str:
    """Say what something is, in a few words.

    >>> described("1d"), described(7), described(None), described(str)
    ("the text '1d'", 'the int 7', 'nothing (None)', 'the class str')
    """
    if value is None:
        return "nothing (None)"
    if isinstance(value, str):
        return f"the text '{value}'"
    if isinstance(value, bool | int | float):
        return f"the {type(value).__name__} {value}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = getattr(value, "name", None)
    return (
        f"{type(value).__name__} '{name}'"
        if isinstance(name, str)
        else (f"a {type(value).__name__}")
    )
